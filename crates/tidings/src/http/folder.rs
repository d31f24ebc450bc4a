//! A folder of somebody's own pages.
//!
//! Serves regular files of the folder, and nothing else: no file or folder whose name begins with a dot, and no link that
//! leads out. Links are resolved for each request, so they may change while the server runs. A pipe is not opened,
//! because it would keep a thread waiting for a writer.

use std::fs::FileType;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use percent_encoding::percent_decode_str;
use socketio_server::OriginPattern;
use tidings::planted::edge::{self, EdgeBug};
use tower_http::services::ServeDir;

use super::body::{Body, body};
use crate::security::{self, OwnPages};

#[derive(Clone)]
pub(super) struct Folder {
    /// Without links.
    root: PathBuf,
    files: ServeDir,
    pages: OwnPages,
    /// How often something could not be read.
    unreadable: Arc<AtomicU64>,
}

impl Folder {
    pub(super) fn new(folder: &Path, others: &[OriginPattern]) -> Self {
        let root = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        Self { files: ServeDir::new(&root), root, pages: OwnPages::new(others), unreadable: Arc::default() }
    }

    pub(super) async fn answer(mut self, request: Request<Incoming>) -> Response<Body> {
        let served = match look_up(&self.root, request.uri().path()).await {
            Ok(Served::Yes) => self.files.try_call(request).await.map(Some),
            Ok(Served::No) => Ok(None),
            Err(error) => Err(error),
        };
        let mut answer = match served {
            Ok(Some(answer)) => answer.map(|bytes| bytes.map_err(Into::into).boxed_unsync()),
            Ok(None) => not_found(),
            Err(error) => {
                if !is_absent(&error) {
                    self.note_unreadable(&error);
                }
                not_found()
            }
        };
        if answer.status().is_success() || answer.status() == StatusCode::NOT_MODIFIED {
            self.pages.harden(answer.headers_mut());
        } else {
            security::harden(answer.headers_mut());
        }
        answer
    }

    /// Told like every refusal: the first one, and every tenfold of it.
    fn note_unreadable(&self, error: &io::Error) {
        let count = self.unreadable.fetch_add(1, Ordering::Relaxed) + 1;
        if count.checked_ilog10().is_some_and(|digits| count == 10_u64.pow(digits)) {
            tracing::warn!(count, %error, "a page cannot be read (404)");
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Served {
    /// A file of the folder, a folder below it, or nothing.
    Yes,
    /// What is hidden or elsewhere.
    No,
}

/// Whether what a path leads to is served; an error if it cannot be.
async fn look_up(root: &Path, url_path: &str) -> io::Result<Served> {
    let Ok(path) = percent_decode_str(url_path).decode_utf8() else { return Ok(Served::No) };
    if path.split(['/', '\\']).any(|part| part.starts_with('.')) {
        return Ok(Served::No);
    }
    // Like `ServeDir`, without a slash at the end: with one, a pipe would seem to be nothing, and be opened.
    let below = Path::new(path.trim_start_matches('/')).components();
    let named: PathBuf = root.components().chain(below).collect();
    match resolve(root, &named).await? {
        None => Ok(Served::No),
        Some(kind) if kind.is_dir() => look_up_index(root, &named.join("index.html")).await,
        Some(kind) => regular(kind),
    }
}

/// A folder is served by its index. Without one, its name is still completed with a slash.
async fn look_up_index(root: &Path, index: &Path) -> io::Result<Served> {
    match resolve(root, index).await {
        Ok(None) => Ok(Served::No),
        Ok(Some(kind)) => regular(kind),
        Err(error) if is_absent(&error) => Ok(Served::Yes),
        Err(error) => Err(error),
    }
}

fn regular(kind: FileType) -> io::Result<Served> {
    if kind.is_file() || edge::is(EdgeBug::OpensPipes) {
        Ok(Served::Yes)
    } else {
        Err(io::Error::other("it is not a regular file"))
    }
}

/// What a path leads to through all links, or `None` if that is hidden or outside the folder. Opens nothing.
async fn resolve(root: &Path, path: &Path) -> io::Result<Option<FileType>> {
    let real = tokio::fs::canonicalize(path).await?;
    let is_elsewhere = real.strip_prefix(root).is_err() && !edge::is(EdgeBug::FollowsLinksOut);
    let mut below = real.strip_prefix(root).unwrap_or(Path::new("")).components();
    if is_elsewhere || below.any(is_hidden) {
        return Ok(None);
    }
    Ok(Some(tokio::fs::metadata(&real).await?.file_type()))
}

fn is_hidden(component: Component<'_>) -> bool {
    let name = component.as_os_str().as_encoded_bytes();
    name.starts_with(b".") && !edge::is(EdgeBug::ServesHiddenFiles)
}

/// True if an error says that there is nothing.
fn is_absent(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidFilename, InvalidInput, NotADirectory, NotFound};
    matches!(error.kind(), NotFound | NotADirectory | InvalidInput | InvalidFilename)
}

fn not_found() -> Response<Body> {
    let mut answer = Response::new(body(Bytes::new()));
    *answer.status_mut() = StatusCode::NOT_FOUND;
    answer
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    use super::*;

    #[tokio::test]
    async fn files_that_are_hidden_or_elsewhere_are_not_served() {
        let whole = tempfile::tempdir().unwrap();
        let root = whole.path().canonicalize().unwrap().join("pages");
        fs::create_dir_all(root.join(".git")).unwrap();
        fs::create_dir_all(root.join("sub")).unwrap();
        for file in ["index.html", "sub/a.html", ".env", ".git/config", "../secret"] {
            fs::write(root.join(file), "text").unwrap();
        }
        for (link, target) in [
            ("within", "sub/a.html"),
            ("out", "../secret"),
            ("away", ".."),
            ("hidden", ".git/config"),
            ("sub/index.html", "../../secret"),
            ("nowhere", "nothing"),
        ] {
            symlink(target, root.join(link)).unwrap();
        }
        for (path, served) in [
            ("/", true),
            ("/index.html", true),
            ("/sub/a.html", true),
            ("/within", true),
            ("/out", false),
            ("/away/secret", false),
            ("/away/pages/index.html", true),
            ("/hidden", false),
            ("/sub/", false),
            ("/sub", false),
            ("/.env", false),
            ("/%2eenv", false),
            ("/.git/config", false),
            ("/sub/../.env", false),
            ("/../secret", false),
            ("/%ff", false),
        ] {
            let expected = if served { Served::Yes } else { Served::No };
            assert_eq!(look_up(&root, path).await.unwrap(), expected, "{path}");
        }
        for absent in ["/nothing", "/nowhere", "/index.html/x", "/%00", &format!("/{}", "x".repeat(300))] {
            assert!(is_absent(&look_up(&root, absent).await.unwrap_err()), "{absent}");
        }
    }

    #[tokio::test]
    async fn only_a_regular_file_is_opened() {
        let whole = tempfile::tempdir().unwrap();
        let root = whole.path().canonicalize().unwrap();
        for folder in ["sub", "deep/index.html", "bare"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        let _socket = UnixListener::bind(root.join("socket")).unwrap();
        for (link, target) in [("loop", "loop"), ("to-socket", "socket"), ("sub/index.html", "../socket")] {
            symlink(target, root.join(link)).unwrap();
        }
        for path in
            ["/socket", "/socket/", "//socket", "/to-socket", "/loop", "/loop/x", "/sub/", "/sub", "/deep/"]
        {
            let error = look_up(&root, path).await.unwrap_err();
            assert!(!is_absent(&error), "{path}: {error}");
        }
        assert_eq!(look_up(&root, "/bare").await.unwrap(), Served::Yes, "its name is completed with a slash");
    }
}
