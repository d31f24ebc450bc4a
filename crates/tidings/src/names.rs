//! The events of `/v1` by name. No other file spells one out.

/// A durable command: numbered by its device, stored, then acked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CommandName {
    Say,
    Edit,
    Delete,
    Create,
    Direct,
    Rename,
    SetTopic,
    Join,
    Leave,
    Add,
    Remove,
    Name,
    Claim,
    Skip,
}

impl CommandName {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Say,
        Self::Edit,
        Self::Delete,
        Self::Create,
        Self::Direct,
        Self::Rename,
        Self::SetTopic,
        Self::Join,
        Self::Leave,
        Self::Add,
        Self::Remove,
        Self::Name,
        Self::Claim,
        Self::Skip,
    ];

    /// As clients send it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Say => "say",
            Self::Edit => "edit",
            Self::Delete => "delete",
            Self::Create => "create",
            Self::Direct => "direct",
            Self::Rename => "rename",
            Self::SetTopic => "set topic",
            Self::Join => "join",
            Self::Leave => "leave",
            Self::Add => "add",
            Self::Remove => "remove",
            Self::Name => "name",
            Self::Claim => "claim",
            Self::Skip => "skip",
        }
    }
}

/// A question that changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RequestName {
    History,
    Changes,
    Rooms,
    Members,
    Who,
    Unread,
    Invite,
    Link,
    Code,
}

impl RequestName {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::History,
        Self::Changes,
        Self::Rooms,
        Self::Members,
        Self::Who,
        Self::Unread,
        Self::Invite,
        Self::Link,
        Self::Code,
    ];

    /// As clients send it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::History => "history",
            Self::Changes => "changes",
            Self::Rooms => "rooms",
            Self::Members => "members",
            Self::Who => "who",
            Self::Unread => "unread",
            Self::Invite => "invite",
            Self::Link => "link",
            Self::Code => "code",
        }
    }
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
