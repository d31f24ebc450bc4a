//! A folder of somebody's own pages.
//!
//! Serves what is in the folder and nothing else: no file whose name, or the name of a folder above it, begins with a dot,
//! and no link that leads out. What it leads to is looked up for each request, so a link may change while we run.

use std::io;
use std::path::{Component, Path, PathBuf};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use percent_encoding::percent_decode_str;
use socketio_server::OriginPattern;
use tower_http::services::ServeDir;

use super::security::{self, OwnPages};
use super::{Body, body};

#[derive(Clone)]
pub(super) struct Folder {
    /// Without links.
    root: PathBuf,
    files: ServeDir,
    pages: OwnPages,
}

impl Folder {
    pub(super) fn new(folder: &Path, others: &[OriginPattern]) -> Self {
        let root = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        Self { files: ServeDir::new(&root), root, pages: OwnPages::new(others) }
    }

    pub(super) async fn answer(mut self, request: Request<Incoming>) -> Response<Body> {
        let mut answer = if is_served(&self.root, request.uri().path()).await {
            match self.files.try_call(request).await {
                Ok(answer) => answer.map(|bytes| bytes.map_err(Into::into).boxed_unsync()),
                Err(error) => unreadable(&error),
            }
        } else {
            empty(StatusCode::NOT_FOUND)
        };
        if answer.status().is_success() || answer.status() == StatusCode::NOT_MODIFIED {
            self.pages.harden(answer.headers_mut());
        } else {
            security::harden(answer.headers_mut());
        }
        answer
    }
}

/// True if what a path leads to is in the folder, or is nothing.
async fn is_served(root: &Path, url_path: &str) -> bool {
    let Ok(path) = percent_decode_str(url_path).decode_utf8() else { return false };
    if path.split(['/', '\\']).any(|part| part.starts_with('.')) {
        return false;
    }
    let named = root.join(path.trim_start_matches('/'));
    // Of a folder its index is served.
    is_inside(root, &named).await && is_inside(root, &named.join("index.html")).await
}

async fn is_inside(root: &Path, path: &Path) -> bool {
    match tokio::fs::canonicalize(path).await {
        Ok(real) => real.strip_prefix(root).is_ok_and(|below| !below.components().any(is_hidden)),
        // There is nothing, or nothing that can be reached: whoever reads it will say so.
        Err(_) => true,
    }
}

fn is_hidden(component: Component<'_>) -> bool {
    component.as_os_str().as_encoded_bytes().starts_with(b".")
}

/// What is answered for a page that cannot be read.
fn unreadable(error: &io::Error) -> Response<Body> {
    use io::ErrorKind::{InvalidFilename, InvalidInput, IsADirectory, NotADirectory, NotFound};
    let status = match error.kind() {
        NotFound | NotADirectory | IsADirectory | InvalidInput | InvalidFilename => StatusCode::NOT_FOUND,
        kind => {
            tracing::warn!(?kind, "a page cannot be read");
            StatusCode::INTERNAL_SERVER_ERROR
        }
    };
    empty(status)
}

fn empty(status: StatusCode) -> Response<Body> {
    let mut answer = Response::new(body(Bytes::new()));
    *answer.status_mut() = status;
    answer
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[tokio::test]
    async fn what_is_hidden_or_elsewhere_is_not_served() {
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
            ("/nothing", true),
            ("/nowhere", true),
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
            assert_eq!(is_served(&root, path).await, served, "{path}");
        }
    }
}
