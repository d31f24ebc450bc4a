//! The short names of lineages and devices. The table and its index are two copies of them, and the checksums of rows tell which is
//! right where they differ.

use std::collections::HashMap;
use std::hash::Hash;

use rusqlite::Connection;

use super::scan::read_both_ways;

/// Short names, with what each may stand for: the table and its index are two copies.
#[derive(Debug)]
pub(super) struct Short<T> {
    known: HashMap<i64, Vec<T>>,
}

impl<T: Copy + Eq + Hash> Short<T> {
    fn new() -> Self {
        Self { known: HashMap::new() }
    }

    fn add(&mut self, id: i64, stands_for: T) {
        let known = self.known.entry(id).or_default();
        if !known.contains(&stands_for) {
            known.push(stands_for);
        }
    }

    /// What the name in a row may stand for; nothing is what no name stands for.
    pub(super) fn candidates(&self, id: Option<i64>) -> Vec<Option<T>> {
        match id {
            None => vec![None],
            Some(id) => self.known.get(&id).into_iter().flatten().copied().map(Some).collect(),
        }
    }

    /// A row with a sound checksum has used it for this.
    pub(super) fn confirm(&mut self, id: Option<i64>, stands_for: Option<T>) {
        let (Some(id), Some(stands_for)) = (id, stands_for) else { return };
        if let Some(known) = self.known.get_mut(&id).filter(|known| known.len() > 1) {
            *known = vec![stands_for];
        }
    }
}

/// The short names of lineages and devices.
#[derive(Debug)]
pub(super) struct Names {
    pub(super) lineages: Short<[u8; 16]>,
    pub(super) devices: Short<(i64, [u8; 16])>,
}

impl Names {
    pub(super) fn load(old: &Connection) -> Self {
        let (mut lineages, mut devices) = (Short::new(), Short::new());
        for how in ["NOT INDEXED", "INDEXED BY sqlite_autoindex_lineage_1"] {
            let order = if how == "NOT INDEXED" { "id" } else { "lineage" };
            read_both_ways(old, &format!("SELECT id, lineage FROM lineage {how}"), order, |row| {
                lineages.add(row.get(0)?, row.get(1)?);
                Ok(())
            });
        }
        for how in ["NOT INDEXED", "INDEXED BY sqlite_autoindex_device_1"] {
            let order = if how == "NOT INDEXED" { "id" } else { "user, device" };
            read_both_ways(old, &format!("SELECT id, user, device FROM device {how}"), order, |row| {
                devices.add(row.get(0)?, (row.get(1)?, row.get(2)?));
                Ok(())
            });
        }
        Self { lineages, devices }
    }

    pub(super) fn store(&self, new: &Connection) -> rusqlite::Result<()> {
        let mut lineage = new.prepare("INSERT OR IGNORE INTO lineage VALUES (?1, ?2)")?;
        for (id, known) in &self.lineages.known {
            known.first().map(|name| lineage.execute((id, name))).transpose()?;
        }
        let mut device = new.prepare("INSERT OR IGNORE INTO device VALUES (?1, ?2, ?3)")?;
        for (id, known) in &self.devices.known {
            known.first().map(|(user, name)| device.execute((id, user, name))).transpose()?;
        }
        Ok(())
    }
}
