//! The events of `/v1` by name. No other file spells one out.

chat::named! {
    /// A durable command: numbered by its device, stored, then acked.
    pub enum CommandName {
        Say = "say",
        Edit = "edit",
        Delete = "delete",
        Create = "create",
        Direct = "direct",
        Rename = "rename",
        SetTopic = "set topic",
        Join = "join",
        Leave = "leave",
        Add = "add",
        Remove = "remove",
        Name = "name",
        Claim = "claim",
        SignOut = "sign out",
        Skip = "skip",
    }
    /// As clients send it.
    pub const fn as_str;
}

chat::named! {
    /// A question that changes nothing.
    pub enum RequestName {
        History = "history",
        Changes = "changes",
        Rooms = "rooms",
        Members = "members",
        Who = "who",
        Unread = "unread",
        Invite = "invite",
        Link = "link",
        Code = "code",
        SignIns = "sign ins",
    }
    /// As clients send it.
    pub const fn as_str;
}

/// Both ways: somebody writes.
pub const TYPING: &str = "typing";
/// Both ways: they have emptied the field again.
pub const TYPING_STOPPED: &str = "typing stopped";
/// Both ways: somebody has read.
pub const READ: &str = "read";
/// Down: the first event of every connection.
pub const WELCOME: &str = "welcome";
/// Down: who came and went.
pub const PRESENCE: &str = "presence";

// Down: entries for one person alone.
pub const SIGNED_IN: &str = "signed in";
pub const SIGNED_OUT: &str = "signed out";

// Down: entries of the log.
pub const MESSAGE: &str = "message";
pub const EDITED: &str = "edited";
pub const DELETED: &str = "deleted";
pub const ROOM_CREATED: &str = "room created";
pub const ROOM_RENAMED: &str = "room renamed";
pub const TOPIC: &str = "topic";
pub const JOINED: &str = "joined";
pub const LEFT: &str = "left";
pub const REMOVED: &str = "removed";
pub const NAMED: &str = "named";
pub const OWNER: &str = "owner";
/// An entry of a kind that this version does not know.
pub const UNKNOWN: &str = "unknown";
