//! The name of a namespace.
//!
//! A [`NamespaceName`] is always valid, so it can be written into a packet without another check. The main namespace
//! needs no allocation and no shared counter, because nearly every connection uses only that.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The valid name of a namespace, cheap to clone.
///
/// ```
/// use socketio::NamespaceName;
///
/// assert_eq!(NamespaceName::parse("/chat?token=1").unwrap().as_str(), "/chat");
/// assert_eq!(NamespaceName::parse("/").unwrap(), NamespaceName::ROOT);
/// assert!(NamespaceName::parse("chat").is_err());
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
// `None` means the main namespace and nothing else does, so the derived comparisons are right.
pub struct NamespaceName(Option<Arc<str>>);

/// Why a text is not a namespace name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NamespaceNameError {
    /// It does not begin with a slash.
    #[error("a namespace begins with a slash")]
    NoSlash,
    /// It has more than [`NamespaceName::BYTES_MAX`] bytes.
    #[error("a namespace has at most {} bytes", NamespaceName::BYTES_MAX)]
    TooLong,
    /// It has a control character, or a comma, which ends the name in a packet.
    #[error("a namespace has no control characters and no commas")]
    BadCharacter,
}

impl NamespaceName {
    /// The main namespace, `/`.
    pub const ROOT: Self = Self(None);

    /// The text of [`Self::ROOT`].
    pub(crate) const ROOT_TEXT: &str = "/";

    /// The longest name, in bytes.
    pub const BYTES_MAX: usize = 128;

    /// Checks a name as a client or a program writes it. A query (`/chat?token=1`) is cut off.
    pub fn parse(text: &str) -> Result<Self, NamespaceNameError> {
        let name = check(text)?;
        Ok(if name == Self::ROOT_TEXT { Self::ROOT } else { Self(Some(Arc::from(name))) })
    }

    /// The name, including the slash.
    pub fn as_str(&self) -> &str {
        self.0.as_deref().unwrap_or(Self::ROOT_TEXT)
    }

    /// Whether this is the main namespace, which packets do not name.
    pub fn is_root(&self) -> bool {
        self.0.is_none()
    }
}

/// Cuts off the query and checks the rest. The result is a valid name.
pub(crate) fn check(text: &str) -> Result<&str, NamespaceNameError> {
    let name = text.split_once('?').map_or(text, |(name, _query)| name);
    if !name.starts_with('/') {
        return Err(NamespaceNameError::NoSlash);
    }
    if name.len() > NamespaceName::BYTES_MAX {
        return Err(NamespaceNameError::TooLong);
    }
    if name.chars().any(|c| c == ',' || c.is_control()) {
        return Err(NamespaceNameError::BadCharacter);
    }
    Ok(name)
}

impl FromStr for NamespaceName {
    type Err = NamespaceNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl AsRef<str> for NamespaceName {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for NamespaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for NamespaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_no_part_of_the_name() {
        assert_eq!(NamespaceName::parse("/a/b?c=d?e").unwrap().as_str(), "/a/b");
        assert_eq!(NamespaceName::parse("/?c").unwrap(), NamespaceName::ROOT);
    }

    #[test]
    fn names_are_bounded_and_printable() {
        let longest = format!("/{}", "n".repeat(127));
        assert!(NamespaceName::parse(&longest).is_ok());
        assert_eq!(NamespaceName::parse(&format!("{longest}n")), Err(NamespaceNameError::TooLong));
        assert_eq!(NamespaceName::parse(""), Err(NamespaceNameError::NoSlash));
        assert_eq!(NamespaceName::parse("?a"), Err(NamespaceNameError::NoSlash));
        assert_eq!(NamespaceName::parse("/a\nb"), Err(NamespaceNameError::BadCharacter));
        assert_eq!(NamespaceName::parse("/a,b"), Err(NamespaceNameError::BadCharacter));
    }

    #[test]
    fn names_compare_like_their_text() {
        let chat = NamespaceName::parse("/chat").unwrap();
        assert!(NamespaceName::ROOT < chat);
        assert_eq!(chat, "/chat".parse().unwrap());
        assert_eq!(format!("{chat} {chat:?}"), r#"/chat "/chat""#);
    }
}
