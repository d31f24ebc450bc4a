//! The JavaScript client, served beside the endpoint.
//!
//! The application supplies the files already compressed, because only it knows where they come from; no request
//! compresses or reads from disk. The `ETag` is the version, and browsers revalidate on every load, so a new server
//! never meets an old client.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use http_body_util::Full;
use thiserror::Error;

use super::encoding::{Coding, preferred};
use crate::planted::edge::{self, EdgeBug};

/// The files of one version of the client, served at `/socket.io/NAME`.
///
/// ```
/// use socketio_server::{BundleFile, ClientBundle};
///
/// let script = BundleFile::script("socket.io.js", "/* … */");
/// let map = BundleFile::source_map("socket.io.js.map", "{}");
/// let bundle = ClientBundle::new("4.8.4", [script, map])?;
/// # let _ = bundle;
/// # Ok::<(), socketio_server::BundleError>(())
/// ```
#[derive(Debug, Clone)]
pub struct ClientBundle {
    /// The version in quotes, as in headers.
    etag: HeaderValue,
    files: Vec<BundleFile>,
}

/// Why files are not a valid bundle.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BundleError {
    /// The version has characters that are not allowed in an `ETag`.
    #[error("the version {0:?} cannot be an etag")]
    Version(String),
    /// Two files have the same name.
    #[error("the file {0:?} is there twice")]
    Duplicate(String),
}

impl ClientBundle {
    /// An empty bundle for one version, such as `4.8.4`.
    pub fn new(version: &str, files: impl IntoIterator<Item = BundleFile>) -> Result<Self, BundleError> {
        let legal = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b',';
        let etag = HeaderValue::try_from(format!("\"{version}\"")).ok();
        let etag = etag.filter(|_| version.bytes().all(legal));
        let etag = etag.ok_or_else(|| BundleError::Version(version.to_owned()))?;
        let files: Vec<BundleFile> = files.into_iter().collect();
        let mut names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
        names.sort_unstable();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(BundleError::Duplicate(pair[0].to_owned()));
        }
        Ok(Self { etag, files })
    }

    /// The answer to a request for the file `name`; `None` if the bundle does not have it.
    pub(crate) fn answer(
        &self,
        method: &Method,
        name: &str,
        request: &HeaderMap,
    ) -> Option<Response<Full<Bytes>>> {
        let file = self.files.iter().find(|file| file.name == name)?;
        let mut answer = Response::new(Full::default());
        let fields = answer.headers_mut();
        fields.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=0"));
        fields.insert(header::ETAG, self.etag.clone());
        fields.append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
        if self.is_known_to(request) {
            *answer.status_mut() = StatusCode::NOT_MODIFIED;
            return Some(answer);
        }
        let (body, coding) = file.choose(request);
        fields.insert(header::CONTENT_TYPE, HeaderValue::from_static(file.content_type));
        fields.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
        if let Some(coding) = coding {
            fields.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
        }
        if method != Method::HEAD || edge::is(EdgeBug::SendsBodiesForHead) {
            *answer.body_mut() = Full::new(body.clone());
        }
        Some(answer)
    }

    /// Whether `If-None-Match` names this version, in any form that a cache may have made of the tag.
    fn is_known_to(&self, request: &HeaderMap) -> bool {
        let lines = request.get_all(header::IF_NONE_MATCH).iter();
        let mut tags =
            lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b',')).map(<[u8]>::trim_ascii);
        let strong = |tag| <[u8]>::strip_prefix(tag, b"W/").filter(|_| !edge::is(EdgeBug::ForgetsWeakTags));
        tags.any(|tag| tag == b"*" || strong(tag).unwrap_or(tag) == self.etag.as_bytes())
    }
}

/// One file of the bundle, with its encodings.
#[derive(Clone)]
pub struct BundleFile {
    name: String,
    content_type: &'static str,
    identity: Bytes,
    gzip: Option<Bytes>,
    brotli: Option<Bytes>,
}

impl BundleFile {
    /// A script, such as `socket.io.min.js`.
    pub fn script(name: impl Into<String>, content: impl Into<Bytes>) -> Self {
        Self::new(name.into(), "application/javascript; charset=utf-8", content.into())
    }

    /// The source map of a script, such as `socket.io.min.js.map`.
    pub fn source_map(name: impl Into<String>, content: impl Into<Bytes>) -> Self {
        if edge::is(EdgeBug::CallsMapsScripts) {
            return Self::script(name, content);
        }
        Self::new(name.into(), "application/json", content.into())
    }

    fn new(name: String, content_type: &'static str, identity: Bytes) -> Self {
        Self { name, content_type, identity, gzip: None, brotli: None }
    }

    /// Adds the same content compressed by gzip.
    pub fn with_gzip(mut self, compressed: impl Into<Bytes>) -> Self {
        self.gzip = Some(compressed.into());
        self
    }

    /// Adds the same content compressed by Brotli.
    pub fn with_brotli(mut self, compressed: impl Into<Bytes>) -> Self {
        self.brotli = Some(compressed.into());
        self
    }

    fn choose(&self, request: &HeaderMap) -> (&Bytes, Option<&'static str>) {
        let mut on_offer = Vec::with_capacity(2);
        on_offer.extend(self.gzip.as_ref().map(|_| Coding::Gzip));
        on_offer.extend(self.brotli.as_ref().map(|_| Coding::Brotli));
        let (form, name) = match preferred(request, &on_offer) {
            Coding::Identity => (None, None),
            Coding::Gzip => (self.gzip.as_ref(), Some("gzip")),
            Coding::Brotli => (self.brotli.as_ref(), Some("br")),
        };
        (form.unwrap_or(&self.identity), name)
    }
}

impl fmt::Debug for BundleFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BundleFile")
            .field("name", &self.name)
            .field("bytes", &self.identity.len())
            .field("gzip_bytes", &self.gzip.as_ref().map(Bytes::len))
            .field("brotli_bytes", &self.brotli.as_ref().map(Bytes::len))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use http_body::Body;

    use super::*;

    fn bundle() -> ClientBundle {
        let script = BundleFile::script("socket.io.js", "identity").with_gzip("gzip").with_brotli("br");
        ClientBundle::new("4.8.4", [script, BundleFile::source_map("socket.io.js.map", "{}")]).unwrap()
    }

    fn ask(method: &Method, name: &str, fields: &[(&'static str, &'static str)]) -> Response<Full<Bytes>> {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_static(value));
        }
        bundle().answer(method, name, &headers).unwrap()
    }

    #[test]
    fn a_file_comes_with_its_type_version_and_length() {
        let answer = ask(&Method::GET, "socket.io.js", &[]);
        assert_eq!(answer.status(), 200);
        for (name, value) in [
            ("cache-control", "public, max-age=0"),
            ("content-type", "application/javascript; charset=utf-8"),
            ("etag", "\"4.8.4\""),
            ("content-length", "8"),
            ("vary", "Accept-Encoding"),
        ] {
            assert_eq!(answer.headers()[name], value);
        }
        assert!(!answer.headers().contains_key("content-encoding"));
        assert_eq!(ask(&Method::GET, "socket.io.js.map", &[]).headers()["content-type"], "application/json");
        assert!(bundle().answer(&Method::GET, "../secret", &HeaderMap::new()).is_none());
    }

    #[test]
    fn the_form_that_the_browser_likes_best_is_sent() {
        let answer = ask(&Method::GET, "socket.io.js", &[("accept-encoding", "gzip, deflate, br")]);
        assert_eq!(answer.headers()["content-encoding"], "br");
        assert_eq!(answer.headers()["content-length"], "2");
        let answer = ask(&Method::GET, "socket.io.js", &[("accept-encoding", "gzip")]);
        assert_eq!(answer.headers()["content-encoding"], "gzip");
        let answer = ask(&Method::GET, "socket.io.js.map", &[("accept-encoding", "gzip, br")]);
        assert!(!answer.headers().contains_key("content-encoding"), "there is no compressed form");
    }

    #[test]
    fn a_browser_that_has_the_version_gets_no_body() {
        for tag in ["\"4.8.4\"", "W/\"4.8.4\"", "*", "\"4.8.3\", W/\"4.8.4\"", "\"a\",\"4.8.4\""] {
            let answer = ask(&Method::GET, "socket.io.js", &[("if-none-match", tag)]);
            assert_eq!(answer.status(), 304, "{tag}");
            assert_eq!(answer.headers()["etag"], "\"4.8.4\"");
            assert!(!answer.headers().contains_key("content-type"));
            assert!(answer.body().is_end_stream());
        }
        for tag in ["\"4.8.3\"", "4.8.4", "w/\"4.8.4\"", ""] {
            assert_eq!(ask(&Method::GET, "socket.io.js", &[("if-none-match", tag)]).status(), 200, "{tag}");
        }
    }

    #[test]
    fn a_head_request_gets_the_length_alone() {
        let answer = ask(&Method::HEAD, "socket.io.js", &[]);
        assert_eq!(answer.headers()["content-length"], "8");
        assert!(answer.body().is_end_stream());
    }

    #[test]
    fn a_bundle_that_cannot_be_served_is_refused_at_the_start() {
        for version in ["4.8 4", "4\"8", "4,8", "4\n8", "ä"] {
            let error = ClientBundle::new(version, []).unwrap_err();
            assert_eq!(error, BundleError::Version(version.to_owned()));
        }
        let twice = [BundleFile::script("a.js", "1"), BundleFile::script("a.js", "2")];
        assert_eq!(ClientBundle::new("1", twice).unwrap_err(), BundleError::Duplicate("a.js".to_owned()));
    }

    #[test]
    fn debug_output_has_no_content() {
        assert!(!format!("{:?}", bundle()).contains("identity"));
    }
}
