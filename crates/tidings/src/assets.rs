//! The files that are embedded in the binary: the web page, and the official client bundle.
//!
//! The build script makes them and writes the tables. Each file comes as it is and, where that is smaller, compressed
//! for both of the encodings that browsers ask for. Only lookup happens here: what is sent is decided by those who
//! answer HTTP.

/// For how long a copy of a file may be used.
#[cfg_attr(without_web, expect(dead_code, reason = "nothing is embedded"))]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// The name contains a hash of the content: for ever.
    Immutable,
    /// Ask every time whether the tag is still the same.
    Revalidate,
}

/// One embedded file.
#[derive(Debug)]
pub(crate) struct Asset {
    /// Below the root of its table, without a leading slash.
    pub(crate) path: &'static str,
    pub(crate) content_type: &'static str,
    /// With its quotes, as it stands in the header.
    pub(crate) etag: &'static str,
    pub(crate) freshness: Freshness,
    pub(crate) identity: &'static [u8],
    pub(crate) brotli: Option<&'static [u8]>,
    pub(crate) gzip: Option<&'static [u8]>,
}

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// The file of the built-in page that a URL path names; `/` is the page itself.
pub(crate) fn page(url_path: &str) -> Option<&'static Asset> {
    match url_path.strip_prefix('/')? {
        "" => find(PAGES, "index.html"),
        path => find(PAGES, path),
    }
}

fn find(table: &'static [Asset], path: &str) -> Option<&'static Asset> {
    let index = table.binary_search_by_key(&path, |asset| asset.path).ok()?;
    table.get(index)
}

/// Whether the binary was built with `TIDINGS_WEB=skip`, and so has no page to show.
pub(crate) const WITHOUT_WEB: bool = cfg!(without_web);

#[cfg(all(test, not(without_web)))]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_found_by_its_root_and_by_its_name() {
        assert_eq!(page("/").unwrap().path, "index.html");
        assert_eq!(page("/index.html").unwrap().freshness, Freshness::Revalidate);
        for unknown in ["", "index.html", "//", "/none", "/../Cargo.toml"] {
            assert!(page(unknown).is_none(), "{unknown}");
        }
    }

    #[test]
    fn every_file_is_found_under_its_own_path_and_shrinks_when_compressed() {
        for asset in PAGES {
            assert!(std::ptr::eq(page(&format!("/{}", asset.path)).unwrap(), asset));
        }
        for asset in PAGES.iter().chain(CLIENT_FILES) {
            assert!(asset.etag.starts_with('"') && asset.etag.ends_with('"'), "{}", asset.etag);
            for compressed in [asset.brotli, asset.gzip].into_iter().flatten() {
                assert!(compressed.len() < asset.identity.len(), "{}", asset.path);
            }
        }
    }

    #[test]
    fn the_client_bundle_has_every_form_and_its_map() {
        let names: Vec<&str> = CLIENT_FILES.iter().map(|file| file.path).collect();
        let expected =
            ["socket.io.esm.min.js", "socket.io.js", "socket.io.min.js", "socket.io.msgpack.min.js"]
                .iter()
                .flat_map(|name| [(*name).to_owned(), format!("{name}.map")]);
        assert_eq!(names, expected.collect::<Vec<_>>());
        assert!(CLIENT_FILES.iter().all(|file| file.etag == format!("\"{CLIENT_VERSION}\"")));
    }
}
