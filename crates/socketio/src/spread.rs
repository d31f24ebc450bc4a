//! [`Spread`]: a number of arguments that is known only at run time, as `...list` in JavaScript.
//!
//! Serde treats a tuple and an array of fixed size in one way, and a `Vec` or a slice in another. The first kind is
//! several arguments; the second is one argument, a list. [`Spread`] makes a list look like a tuple.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeTuple, Serializer};

/// A list whose elements are separate arguments. A bare `Vec` or slice is one argument, a list.
///
/// ```
/// use socketio::{NamespaceName, Spread, encode_event};
///
/// let numbers = vec![1, 2];
/// let one = encode_event(&NamespaceName::ROOT, "sum", &numbers, None, None)?;
/// assert_eq!(one.text, r#"2["sum",[1,2]]"#);
/// let two = encode_event(&NamespaceName::ROOT, "sum", &Spread(numbers.as_slice()), None, None)?;
/// assert_eq!(two.text, r#"2["sum",1,2]"#);
/// # Ok::<(), socketio::EncodeError>(())
/// ```
///
/// [`Payload::args`](crate::Payload::args) reads all arguments into a `Spread<Vec<T>>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Spread<L>(pub L);

fn write<T: Serialize, S: Serializer>(list: &[T], serializer: S) -> Result<S::Ok, S::Error> {
    let mut tuple = serializer.serialize_tuple(list.len())?;
    list.iter().try_for_each(|element| tuple.serialize_element(element))?;
    tuple.end()
}

impl<T: Serialize> Serialize for Spread<Vec<T>> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write(&self.0, serializer)
    }
}

impl<T: Serialize> Serialize for Spread<&[T]> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write(self.0, serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Spread<Vec<T>> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // A tuple without required elements gets all of them.
        deserializer.deserialize_tuple(0, Elements(PhantomData)).map(Self)
    }
}

struct Elements<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Elements<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of arguments")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<T>, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = seq.next_element()? {
            list.push(element);
        }
        Ok(list)
    }
}
