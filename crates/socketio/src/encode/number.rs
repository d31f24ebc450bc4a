//! Numbers as JavaScript writes them.
//!
//! Official clients and tests compare packets as text, so `1.0` must be written as `1`, and ten to the 21st as `1e+21`.
//! Rust and JavaScript agree on the digits (the shortest that read back the same); only the position of the point is
//! decided here. Integers beyond 2^53 keep all their digits: JavaScript rounds them when it reads them, others do not.

use std::io::{self, Write};

use serde_json::ser::Formatter;

/// A compact JSON formatter with JavaScript's numbers.
#[derive(Debug, Clone, Copy)]
pub(super) struct JavaScript;

impl Formatter for JavaScript {
    fn write_f64<W: Write + ?Sized>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        let mut text = [0; SCIENTIFIC_BYTES_MAX];
        let mut rest = text.as_mut_slice();
        write!(rest, "{value:e}")?;
        let unused = rest.len();
        write_decimal(writer, text.get(..SCIENTIFIC_BYTES_MAX - unused).unwrap_or(&[]))
    }

    /// The shortest digits of the narrower type, as expected of a `0.1`.
    fn write_f32<W: Write + ?Sized>(&mut self, writer: &mut W, value: f32) -> io::Result<()> {
        let mut text = [0; SCIENTIFIC_BYTES_MAX];
        let mut rest = text.as_mut_slice();
        write!(rest, "{value:e}")?;
        let unused = rest.len();
        write_decimal(writer, text.get(..SCIENTIFIC_BYTES_MAX - unused).unwrap_or(&[]))
    }
}

/// Space for a sign, 17 digits, a point and an exponent.
const SCIENTIFIC_BYTES_MAX: usize = 32;

/// Rewrites Rust's scientific notation (`-1.25e-7`) by the rules of `Number.prototype.toString`.
fn write_decimal<W: Write + ?Sized>(out: &mut W, scientific: &[u8]) -> io::Result<()> {
    let scientific = str::from_utf8(scientific).map_err(io::Error::other)?;
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let exponent: i32 = exponent.parse().map_err(io::Error::other)?;
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole == "0" {
        // JSON.stringify writes minus zero without its sign.
        return out.write_all(b"0");
    }
    let fraction_len = i32::try_from(fraction.len()).map_err(io::Error::other)?;
    let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap_or(0));
    match exponent {
        21.. | ..-6 => {
            let point = if fraction.is_empty() { "" } else { "." };
            write!(out, "{sign}{whole}{point}{fraction}e{exponent:+}")
        }
        -6..0 => write!(out, "{sign}0.{}{whole}{fraction}", zeros(-exponent - 1)),
        0..21 if exponent >= fraction_len => {
            write!(out, "{sign}{whole}{fraction}{}", zeros(exponent - fraction_len))
        }
        0..21 => {
            let (left, right) = fraction.split_at(usize::try_from(exponent).unwrap_or(0));
            write!(out, "{sign}{whole}{left}.{right}")
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written<T: serde::Serialize>(value: T) -> String {
        let mut out = Vec::new();
        value.serialize(&mut serde_json::Serializer::with_formatter(&mut out, JavaScript)).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_look_as_in_javascript() {
        let pairs = [
            (0.0, "0"),
            (-0.0, "0"),
            (1.0, "1"),
            (-1.5, "-1.5"),
            (100.0, "100"),
            (0.1, "0.1"),
            (1234.5678, "1234.5678"),
            (0.000_001, "0.000001"),
            (0.000_000_1, "1e-7"),
            (-0.000_000_12, "-1.2e-7"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (1.5e300, "1.5e+300"),
            (9_007_199_254_740_993.0, "9007199254740992"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            (f64::NAN, "null"),
            (f64::INFINITY, "null"),
        ];
        for (value, text) in pairs {
            assert_eq!(written(value), text);
        }
        assert_eq!(written(0.1_f32), "0.1");
        assert_eq!(written(16_777_216.0_f32), "16777216");
    }

    proptest! {
        #[test]
        fn a_number_reads_back_the_same(value in proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL) {
            let read: f64 = serde_json::from_str(&written(value)).unwrap();
            prop_assert_eq!(read.to_bits(), value.to_bits());
        }
    }
}
