//! [`Binary`]: bytes anywhere in the arguments of an event.
//!
//! In the JSON of a packet, a numbered placeholder stands for the bytes, which travel beside it. Serde gives a value
//! only the serializer, and a wrapped serializer would not survive the buffering of untagged enums and flattened
//! structs. So the attachments of the current packet are in a scope of the thread. It opens before a call of serde, and
//! closes when the call returns or unwinds. Scopes nest, and nothing outside this crate sees them.

use std::cell::RefCell;
use std::fmt;

use bytes::Bytes;
use serde::de::{self, IgnoredAny, MapAccess, Visitor};
use serde::ser::{self, SerializeStruct as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bytes anywhere in the arguments of an event or an answer.
///
/// Clients see an `ArrayBuffer`, a `Buffer` or the bytes of their language. Outside of a packet it can be neither
/// serialized nor deserialized.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use socketio::{Binary, NamespaceName, encode_event};
///
/// #[derive(Serialize, Deserialize)]
/// struct Picture {
///     name: String,
///     data: Binary,
/// }
///
/// let picture = Picture { name: "ada".into(), data: Binary(vec![1, 2, 3].into()) };
/// let packet = encode_event(&NamespaceName::ROOT, "picture", &picture, None, None)?;
/// assert_eq!(packet.text, r#"51-["picture",{"name":"ada","data":{"_placeholder":true,"num":0}}]"#);
/// assert_eq!(packet.attachments, [vec![1, 2, 3]]);
/// # Ok::<(), socketio::EncodeError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Binary(pub Bytes);

impl From<Bytes> for Binary {
    fn from(bytes: Bytes) -> Self {
        Self(bytes)
    }
}

impl From<Vec<u8>> for Binary {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

impl AsRef<[u8]> for Binary {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// What the innermost call of serde on this thread does.
enum Scope {
    Outside,
    Collecting(Vec<Bytes>),
    Reading(Vec<Bytes>),
}

thread_local! {
    static SCOPE: RefCell<Scope> = const { RefCell::new(Scope::Outside) };
}

/// Restores the outer scope, even if a serialize or deserialize function of the program panics.
struct Restore(Option<Scope>);

impl Restore {
    fn enter(scope: Scope) -> Self {
        Self(Some(SCOPE.replace(scope)))
    }

    fn leave(mut self) -> Scope {
        self.0.take().map_or(Scope::Outside, |outer| SCOPE.replace(outer))
    }
}

impl Drop for Restore {
    fn drop(&mut self) {
        if let Some(outer) = self.0.take() {
            SCOPE.set(outer);
        }
    }
}

/// Runs `serialize`. Returns its result, and the attachments in the order of their numbers.
pub(crate) fn collect<T>(serialize: impl FnOnce() -> T) -> (T, Vec<Bytes>) {
    let restore = Restore::enter(Scope::Collecting(Vec::new()));
    let result = serialize();
    match restore.leave() {
        Scope::Collecting(attachments) => (result, attachments),
        Scope::Outside | Scope::Reading(_) => unreachable!("inner scopes have been left"),
    }
}

/// Runs `deserialize` with these attachments available.
pub(crate) fn with_attachments<T>(attachments: &[Bytes], deserialize: impl FnOnce() -> T) -> T {
    // A scope even without attachments: those of an outer packet must not be visible.
    let _restore = Restore::enter(Scope::Reading(attachments.to_vec()));
    deserialize()
}

/// The number of a newly collected attachment.
fn add(bytes: &Bytes) -> Option<usize> {
    SCOPE.with_borrow_mut(|scope| match scope {
        Scope::Collecting(attachments) => {
            attachments.push(bytes.clone());
            Some(attachments.len() - 1)
        }
        Scope::Outside | Scope::Reading(_) => None,
    })
}

fn attachment(number: u64) -> Option<Bytes> {
    SCOPE.with_borrow(|scope| match scope {
        Scope::Reading(attachments) => attachments.get(usize::try_from(number).ok()?).cloned(),
        Scope::Outside | Scope::Collecting(_) => None,
    })
}

impl Serialize for Binary {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let number = add(&self.0).ok_or_else(|| ser::Error::custom("bytes outside of a packet"))?;
        let mut placeholder = serializer.serialize_struct("Binary", 2)?;
        placeholder.serialize_field("_placeholder", &true)?;
        placeholder.serialize_field("num", &number)?;
        placeholder.end()
    }
}

impl<'de> Deserialize<'de> for Binary {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PlaceholderVisitor)
    }
}

struct PlaceholderVisitor;

#[derive(Deserialize)]
#[serde(field_identifier)]
enum Key {
    #[serde(rename = "_placeholder")]
    Mark,
    #[serde(rename = "num")]
    Number,
    #[serde(other)]
    Other,
}

impl<'de> Visitor<'de> for PlaceholderVisitor {
    type Value = Binary;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Binary, A::Error> {
        let mut marked = false;
        let mut number = None;
        while let Some(key) = map.next_key()? {
            match key {
                Key::Mark => marked = map.next_value()?,
                Key::Number => number = Some(map.next_value()?),
                Key::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        let number = number.filter(|_| marked).ok_or_else(|| de::Error::custom("an object is not bytes"))?;
        attachment(number).map(Binary).ok_or_else(|| de::Error::custom("bytes that are not in the packet"))
    }
}
