//! Ids as they are sent: people and devices in hex, everything else as numbers.

use std::fmt;

use chat::{DeviceId, RoomId, SignInId, UserId};
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// JavaScript counts no further than this.
const NUMBER_MAX: u64 = (1 << 53) - 1;

/// 16 digits of lower-case hex.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WireUser(pub UserId);

/// 16 digits of lower-case hex.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WireSignIn(pub SignInId);

/// 32 digits of lower-case hex.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WireDevice(pub DeviceId);

/// A number that JavaScript has, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number(pub u64);

impl WireUser {
    /// Reads an id as it is written by `Display`, and nothing else.
    pub fn parse(text: &str) -> Option<Self> {
        digits::<8>(text).map(|bytes| Self(UserId(u64::from_be_bytes(bytes))))
    }
}

impl WireSignIn {
    /// Reads an id as it is written by `Display`, and nothing else.
    pub fn parse(text: &str) -> Option<Self> {
        digits::<8>(text).map(|bytes| Self(SignInId(u64::from_be_bytes(bytes))))
    }
}

impl WireDevice {
    /// Reads an id as it is written by `Display`, and nothing else.
    pub fn parse(text: &str) -> Option<Self> {
        digits(text).map(|bytes| Self(DeviceId(bytes)))
    }
}

impl Number {
    /// The number as that of a room.
    pub fn room(self) -> RoomId {
        RoomId(self.0)
    }
}

fn digits<const BYTES: usize>(text: &str) -> Option<[u8; BYTES]> {
    let digit = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    if text.len() != BYTES * 2 {
        return None;
    }
    let mut bytes = [0; BYTES];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let &[high, low] = pair else { return None };
        *byte = digit(high)? << 4 | digit(low)?;
    }
    Some(bytes)
}

impl fmt::Display for WireUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0.0)
    }
}

impl fmt::Display for WireSignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0.0)
    }
}

impl fmt::Display for WireDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0.0))
    }
}

impl Serialize for WireUser {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for WireSignIn {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for WireDevice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for WireUser {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Text { parse: Self::parse, expected: "a user" })
    }
}

impl<'de> Deserialize<'de> for WireSignIn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Text { parse: Self::parse, expected: "a sign-in" })
    }
}

impl<'de> Deserialize<'de> for WireDevice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Text { parse: Self::parse, expected: "a device" })
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = u64::deserialize(deserializer)?;
        if number > NUMBER_MAX {
            return Err(de::Error::custom("a number beyond 2^53"));
        }
        Ok(Self(number))
    }
}

struct Text<T> {
    parse: fn(&str) -> Option<T>,
    expected: &'static str,
}

impl<T> Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        (self.parse)(text).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_as_they_are_written_and_not_otherwise() {
        let ada = WireUser(UserId(0x00c0_ffee_00c0_ffee));
        assert_eq!(ada.to_string(), "00c0ffee00c0ffee");
        assert_eq!(WireUser::parse("00c0ffee00c0ffee"), Some(ada));
        for bad in ["", "c0ffee", "00C0FFEE00C0FFEE", "00c0ffee00c0ffeeä", "+0c0ffee00c0ffee"] {
            assert_eq!(WireUser::parse(bad), None, "{bad}");
        }
        let device = WireDevice(DeviceId([0xab; 16]));
        assert_eq!(WireDevice::parse(&device.to_string()), Some(device));
    }

    #[test]
    fn numbers_are_whole_and_within_what_everybody_can_count() {
        let read = |json: &str| serde_json::from_str::<Number>(json).map(|number| number.0).ok();
        assert_eq!(read("9007199254740991"), Some(NUMBER_MAX));
        for bad in ["9007199254740992", "-1", "1.5", "\"1\"", "null", "true", "[]"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
