//! Names that nobody may take, because people would believe them.

use super::Skeleton;

const RESERVED: [&str; 15] = [
    "admin",
    "administrator",
    "moderator",
    "mod",
    "owner",
    "root",
    "system",
    "server",
    "support",
    "tidings",
    "everyone",
    "all",
    "here",
    "channel",
    "guest",
];

/// What a page calls those without a name begins with this.
const GUEST: &str = "guest-";

/// Whether a name looks like a reserved one.
pub(super) fn is_reserved(name: &str) -> bool {
    let looks = Skeleton::both_of(name);
    let is_taken = |reserved: &str| Skeleton::both_of(reserved).iter().any(|taken| looks.contains(taken));
    let is_guest =
        Skeleton::both_of(GUEST).iter().any(|guest| looks.iter().any(|looks| looks.0.starts_with(&*guest.0)));
    is_guest || RESERVED.into_iter().any(is_taken)
}
