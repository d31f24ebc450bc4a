//! Reads the arguments of a payload into the type that a program asks for.
//!
//! [`Arguments`] is a serde deserializer. To a tuple it shows the elements after the name, as if the array had only
//! those; to anything else it shows the first of them. It copies nothing: the JSON reader itself supplies the elements,
//! so the program's types may borrow from the message.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, IgnoredAny, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::Payload;

/// The arguments of a payload, as one value.
pub(super) struct Arguments<'a> {
    pub(super) payload: &'a Payload<'a>,
}

impl<'de> Arguments<'de> {
    fn elements<V: Visitor<'de>>(self, visitor: V, at_least: usize) -> Result<V::Value, serde_json::Error> {
        let has_name = !self.payload.name_json().is_empty();
        let elements = Elements { visitor, skip: usize::from(has_name), at_least };
        serde_json::Deserializer::from_str(self.payload.raw()).deserialize_seq(elements)
    }
}

/// Forwards these requests to the first argument.
macro_rules! first_argument {
    ($($name:ident($($field:ident: $type:ty),*);)*) => {$(
        fn $name<V: Visitor<'de>>(self, $($field: $type,)* visitor: V) -> Result<V::Value, Self::Error> {
            if self.payload.arg_count() == 0 {
                Missing::first().$name($($field,)* visitor)
            } else {
                serde_json::Deserializer::from_str(self.payload.args_json()).$name($($field,)* visitor)
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Arguments<'de> {
    type Error = serde_json::Error;

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Self::Error> {
        self.elements(visitor, len)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_unit()
    }

    first_argument! {
        deserialize_any();
        deserialize_bool();
        deserialize_i8();
        deserialize_i16();
        deserialize_i32();
        deserialize_i64();
        deserialize_i128();
        deserialize_u8();
        deserialize_u16();
        deserialize_u32();
        deserialize_u64();
        deserialize_u128();
        deserialize_f32();
        deserialize_f64();
        deserialize_char();
        deserialize_str();
        deserialize_string();
        deserialize_bytes();
        deserialize_byte_buf();
        deserialize_option();
        deserialize_unit_struct(name: &'static str);
        deserialize_newtype_struct(name: &'static str);
        deserialize_tuple_struct(name: &'static str, len: usize);
        deserialize_seq();
        deserialize_map();
        deserialize_struct(name: &'static str, fields: &'static [&'static str]);
        deserialize_enum(name: &'static str, variants: &'static [&'static str]);
        deserialize_identifier();
        deserialize_ignored_any();
    }
}

/// Gives a visitor the array without its first `skip` elements.
struct Elements<V> {
    visitor: V,
    skip: usize,
    at_least: usize,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Elements<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(f)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<V::Value, A::Error> {
        for _ in 0..self.skip {
            seq.next_element::<IgnoredAny>()?;
        }
        let padded = Padded { seq: &mut seq, taken: 0, at_least: self.at_least };
        let value = self.visitor.visit_seq(padded)?;
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(value)
    }
}

/// A sequence that is filled up with nulls to `at_least` elements.
struct Padded<'s, A> {
    seq: &'s mut A,
    taken: usize,
    at_least: usize,
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Padded<'_, A> {
    type Error = A::Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, A::Error> {
        let mut seed = Some(seed);
        let element = self.seq.next_element_seed(Once(&mut seed))?;
        self.taken += 1;
        match (element, seed) {
            (None, Some(seed)) if self.taken <= self.at_least => {
                seed.deserialize(Missing { number: self.taken, error: PhantomData }).map(Some)
            }
            (element, _) => Ok(element),
        }
    }
}

/// A seed that is still available if the sequence ends without using it.
struct Once<'s, T>(&'s mut Option<T>);

impl<'de, T: DeserializeSeed<'de>> DeserializeSeed<'de> for Once<'_, T> {
    type Value = T::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T::Value, D::Error> {
        let seed = self.0.take().ok_or_else(|| D::Error::custom("an argument was read twice"))?;
        seed.deserialize(deserializer)
    }
}

/// An argument that was not sent: null for a type that can be null, and an error that says so for others.
pub(super) struct Missing<E> {
    number: usize,
    error: PhantomData<E>,
}

impl<E> Missing<E> {
    pub(super) fn first() -> Self {
        Self { number: 1, error: PhantomData }
    }
}

/// Refuses these requests with an error.
macro_rules! missing {
    ($($name:ident($($field:ident: $type:ty),*);)*) => {$(
        fn $name<V: Visitor<'de>>(self, $($field: $type,)* _visitor: V) -> Result<V::Value, E> {
            $(let _ = $field;)*
            Err(E::custom(format_args!("argument {} is missing", self.number)))
        }
    )*};
}

impl<'de, E: Error> Deserializer<'de> for Missing<E> {
    type Error = E;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        visitor.visit_unit()
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        visitor.visit_none()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, E> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! { unit unit_struct ignored_any }

    missing! {
        deserialize_bool();
        deserialize_i8();
        deserialize_i16();
        deserialize_i32();
        deserialize_i64();
        deserialize_i128();
        deserialize_u8();
        deserialize_u16();
        deserialize_u32();
        deserialize_u64();
        deserialize_u128();
        deserialize_f32();
        deserialize_f64();
        deserialize_char();
        deserialize_str();
        deserialize_string();
        deserialize_bytes();
        deserialize_byte_buf();
        deserialize_seq();
        deserialize_tuple(len: usize);
        deserialize_tuple_struct(name: &'static str, len: usize);
        deserialize_map();
        deserialize_struct(name: &'static str, fields: &'static [&'static str]);
        deserialize_enum(name: &'static str, variants: &'static [&'static str]);
        deserialize_identifier();
    }
}
