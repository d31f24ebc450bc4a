//! Decides which sign-ins begin and end.
//!
//! What has ended never begins again: the first sign-in of a person comes with the person, and any other one needs a link
//! from a sign-in that lasts. So a connection that has not heard of its end yet cannot undo it.

use crate::command::{Command, SignOutOf};
use crate::directory::Directory;
use crate::entry::Kind;
use crate::ids::{RoomId, UserId};
use crate::outcome::Refusal;
use crate::sign_in::{SignInId, SignInMethod, TokenHash};
use crate::stats::LimitHit;

use super::{Bounds, Person, Verdict, nothing};

/// What is stored for [`Command::SignIn`], which has no number; `None` if the sign-in is recorded.
pub(in crate::decide) fn judge_sign_in(
    directory: &Directory,
    bounds: Bounds<'_>,
    user: UserId,
    command: &Command,
) -> Result<Option<Kind>, Refusal> {
    let Command::SignIn { token, method, label } = command else { return Err(Refusal::Invalid) };
    if directory.sign_in(user, *token).is_some() {
        return Ok(None);
    }
    let may = match (method, directory.sign_ins(user)) {
        (SignInMethod::New | SignInMethod::Old, sign_ins) => sign_ins.is_none(),
        // The link was given out by a sign-in.
        (SignInMethod::Link, sign_ins) => sign_ins.is_some(),
    };
    if !may || (*method == SignInMethod::Old) != (*token == TokenHash::OLD) {
        return Err(Refusal::Forbidden);
    }
    let sign_ins = directory.sign_ins(user).unwrap_or_default();
    if sign_ins.iter().any(|other| other.token.id() == token.id()) {
        return Err(Refusal::Forbidden);
    }
    let oldest = sign_ins.first().filter(|_| sign_ins.len() >= bounds.limits.sign_ins_max);
    if oldest.is_some() {
        bounds.reached(LimitHit::SignIns);
    }
    let ended = oldest.map(|oldest| oldest.token.id());
    Ok(Some(Kind::SignedIn { user, token: *token, method: *method, label: label.clone(), ended }))
}

impl Person<'_> {
    /// A sign-in that is not there has ended before. If the one to keep has, all others stay: two devices that sign each other
    /// out at the same time must not leave their person without any.
    pub(super) fn sign_out(&self, of: SignOutOf) -> Verdict {
        let sign_ins = self.directory.sign_ins(self.user).unwrap_or_default();
        let lasts = |id| sign_ins.iter().any(|sign_in| sign_in.token.id() == id);
        if matches!(of, SignOutOf::Others { keep } if !lasts(keep)) {
            return nothing(RoomId::HOUSE);
        }
        let is_meant = |id: &SignInId| match of {
            SignOutOf::One(one) => *id == one,
            SignOutOf::Others { keep } => *id != keep,
        };
        let sign_ins: Vec<_> = sign_ins.iter().map(|sign_in| sign_in.token.id()).filter(is_meant).collect();
        if sign_ins.is_empty() {
            return nothing(RoomId::HOUSE);
        }
        let kind = Kind::SignedOut { user: self.user, sign_ins };
        Verdict::Store { room: RoomId::PERSONAL, kind }
    }
}
