//! Writes the arguments of a program as elements of an array.
//!
//! [`Arguments`] is a serde serializer that looks only at the outermost value: a tuple becomes several elements, unit
//! none, anything else one, including sequences. Elements go straight to the JSON writer.

use std::cell::RefCell;
use std::io;

use serde::ser::{Serialize, SerializeTuple, Serializer};
use serde_json::Error;

use super::number::JavaScript;

/// A JSON writer with the format of `JSON.stringify`.
pub(super) type Json<W> = serde_json::Serializer<W, JavaScript>;

pub(super) fn json<W: io::Write>(out: W) -> Json<W> {
    Json::with_formatter(out, JavaScript)
}

/// Appends the arguments to the open array in `out`, which is empty so far if `is_first`.
pub(super) fn write(
    out: &mut Vec<u8>,
    args: &(impl Serialize + ?Sized),
    is_first: IsFirst,
) -> Result<(), Error> {
    let shared = Shared(&RefCell::new(out));
    args.serialize(Arguments { json: &mut json(shared), out: shared, is_first })
}

/// Whether an element is the first of its array, and needs no comma.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum IsFirst {
    Yes,
    No,
}

/// Shared, because the JSON writer holds its output, and this module writes the commas between the elements.
#[derive(Clone, Copy)]
struct Shared<'a>(&'a RefCell<&'a mut Vec<u8>>);

impl io::Write for Shared<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Arguments<'j, 'a> {
    json: &'j mut Json<Shared<'a>>,
    out: Shared<'a>,
    is_first: IsFirst,
}

impl Arguments<'_, '_> {
    fn separate(&mut self) {
        match self.is_first {
            IsFirst::Yes => self.is_first = IsFirst::No,
            IsFirst::No => self.out.0.borrow_mut().push(b','),
        }
    }

    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.separate();
        value.serialize(&mut *self.json)
    }
}

impl SerializeTuple for Arguments<'_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.element(value)
    }

    fn end(self) -> Result<(), Error> {
        Ok(())
    }
}

/// Writes each value as one argument.
macro_rules! one_argument {
    ($($name:ident($($field:ident: $type:ty),*) -> $ok:ty;)*) => {$(
        fn $name(mut self, $($field: $type),*) -> Result<$ok, Error> {
            self.separate();
            self.json.$name($($field),*)
        }
    )*};
}

type Inner<'j, 'a> = &'j mut Json<Shared<'a>>;

impl<'j, 'a> Serializer for Arguments<'j, 'a> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = <Inner<'j, 'a> as Serializer>::SerializeSeq;
    type SerializeTuple = Self;
    type SerializeTupleStruct = <Inner<'j, 'a> as Serializer>::SerializeTupleStruct;
    type SerializeTupleVariant = <Inner<'j, 'a> as Serializer>::SerializeTupleVariant;
    type SerializeMap = <Inner<'j, 'a> as Serializer>::SerializeMap;
    type SerializeStruct = <Inner<'j, 'a> as Serializer>::SerializeStruct;
    type SerializeStructVariant = <Inner<'j, 'a> as Serializer>::SerializeStructVariant;

    fn serialize_unit(self) -> Result<(), Error> {
        Ok(())
    }

    fn serialize_tuple(self, _len: usize) -> Result<Self, Error> {
        Ok(self)
    }

    fn serialize_some<T: Serialize + ?Sized>(mut self, value: &T) -> Result<(), Error> {
        self.element(value)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        mut self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        self.element(value)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        mut self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        self.separate();
        self.json.serialize_newtype_variant(name, index, variant, value)
    }

    one_argument! {
        serialize_bool(value: bool) -> ();
        serialize_i8(value: i8) -> ();
        serialize_i16(value: i16) -> ();
        serialize_i32(value: i32) -> ();
        serialize_i64(value: i64) -> ();
        serialize_i128(value: i128) -> ();
        serialize_u8(value: u8) -> ();
        serialize_u16(value: u16) -> ();
        serialize_u32(value: u32) -> ();
        serialize_u64(value: u64) -> ();
        serialize_u128(value: u128) -> ();
        serialize_f32(value: f32) -> ();
        serialize_f64(value: f64) -> ();
        serialize_char(value: char) -> ();
        serialize_str(value: &str) -> ();
        serialize_bytes(value: &[u8]) -> ();
        serialize_none() -> ();
        serialize_unit_struct(name: &'static str) -> ();
        serialize_unit_variant(name: &'static str, index: u32, variant: &'static str) -> ();
        serialize_seq(len: Option<usize>) -> Self::SerializeSeq;
        serialize_map(len: Option<usize>) -> Self::SerializeMap;
        serialize_struct(name: &'static str, len: usize) -> Self::SerializeStruct;
        serialize_tuple_struct(name: &'static str, len: usize) -> Self::SerializeTupleStruct;
        serialize_tuple_variant(name: &'static str, index: u32, variant: &'static str, len: usize) -> Self::SerializeTupleVariant;
        serialize_struct_variant(name: &'static str, index: u32, variant: &'static str, len: usize) -> Self::SerializeStructVariant;
    }
}
