//! Where the checkout is that the commands work on.

use std::path::{Path, PathBuf};

/// The root of the checkout from which this program was built.
pub(crate) fn workspace_root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_path_buf()
}
