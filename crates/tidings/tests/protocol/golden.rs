//! The examples in docs/protocol.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::Value;

/// An event as it stands in its file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Golden {
    pub(crate) direction: Direction,
    pub(crate) event: String,
    pub(crate) args: Vec<Value>,
    pub(crate) ack: Option<Vec<Value>>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Direction {
    Up,
    Down,
}

pub(crate) fn docs() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs")
}

/// All of them, by the names of their files.
pub(crate) fn all() -> BTreeMap<String, Golden> {
    let files = std::fs::read_dir(docs().join("protocol")).unwrap();
    files
        .map(|file| {
            let path = file.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let text = std::fs::read_to_string(&path).unwrap();
            let golden = serde_json::from_str(&text).unwrap_or_else(|err| panic!("{name}: {err}"));
            (name, golden)
        })
        .collect()
}

/// Those of one direction.
pub(crate) fn going(direction: Direction) -> impl Iterator<Item = (String, Golden)> {
    all().into_iter().filter(move |(_, golden)| golden.direction == direction)
}
