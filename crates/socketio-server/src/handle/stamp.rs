//! Stamps: how an event that is not an entry says what the socket that gets it has seen of the feed.
//!
//! Works on encoded packets: the same event goes to sockets that have seen different things. With recovery the offset
//! is one argument more; with cursors it is the last field of the event's object, so that a client in any language
//! finds it where the entries have theirs.

use socketio::Packet;

use crate::feed::Resume;

/// The event with an offset of the feed.
pub(crate) fn stamped(resume: Resume, packet: &str, offset: &str) -> String {
    match resume {
        Resume::Recovery => with_argument(packet, offset),
        Resume::Cursor => with_field(packet, offset).unwrap_or_else(|| packet.to_owned()),
    }
}

fn with_argument(packet: &str, offset: &str) -> String {
    let mut text = String::with_capacity(packet.len() + offset.len() + 4);
    text.push_str(packet.strip_suffix(']').unwrap_or(packet));
    text.push_str(",\"");
    text.push_str(offset);
    text.push_str("\"]");
    text
}

/// `None` if the event has no argument, several, or one that is no object.
fn with_field(packet: &str, cursor: &str) -> Option<String> {
    let data = Packet::decode(packet).ok()?.data;
    let object = data.get(string_end(data, 1)?..)?.strip_prefix(',')?.strip_suffix(']')?;
    if !object.starts_with('{') || object_end(object)? != object.len() {
        return None;
    }
    let end = packet.strip_suffix("}]")?;
    let comma = if end.ends_with('{') { "" } else { "," };
    Some(format!("{end}{comma}\"cursor\":\"{cursor}\"}}]"))
}

/// Where the string that begins at `start` ends.
fn string_end(json: &str, start: usize) -> Option<usize> {
    let mut bytes = json.bytes().enumerate().skip(start);
    if bytes.next()?.1 != b'"' {
        return None;
    }
    while let Some((place, byte)) = bytes.next() {
        match byte {
            b'\\' => drop(bytes.next()),
            b'"' => return Some(place + 1),
            _ => {}
        }
    }
    None
}

/// Where the object or array that the text begins with ends.
fn object_end(json: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut place = 0;
    while let Some(byte) = json.as_bytes().get(place) {
        match byte {
            b'"' => {
                place = string_end(json, place)?;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(place + 1);
                }
            }
            _ => {}
        }
        place += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(packet: &str, expected: &str) {
        assert_eq!(stamped(Resume::Cursor, packet, "1.2.3"), expected);
    }

    #[test]
    fn with_recovery_the_offset_is_one_argument_more() {
        assert_eq!(stamped(Resume::Recovery, r#"2["a"]"#, "1.2.3"), r#"2["a","1.2.3"]"#);
        assert_eq!(stamped(Resume::Recovery, r#"2/n,["a",{}]"#, "1.2.3"), r#"2/n,["a",{},"1.2.3"]"#);
    }

    #[test]
    fn an_object_gets_the_cursor_as_its_last_field() {
        check(r#"2/v1,["typing",{"room":1}]"#, r#"2/v1,["typing",{"room":1,"cursor":"1.2.3"}]"#);
        check(r#"2/v1,["typing",{}]"#, r#"2/v1,["typing",{"cursor":"1.2.3"}]"#);
        check(r#"2/[{,["a",{"b":[{}]}]"#, r#"2/[{,["a",{"b":[{}],"cursor":"1.2.3"}]"#);
        check(r#"2["\"}",{"a":"}]\\"}]"#, r#"2["\"}",{"a":"}]\\","cursor":"1.2.3"}]"#);
        check(
            r#"51-["a",{"b":{"_placeholder":true,"num":0}}]"#,
            r#"51-["a",{"b":{"_placeholder":true,"num":0},"cursor":"1.2.3"}]"#,
        );
    }

    #[test]
    fn what_is_not_one_object_stays_as_it_is() {
        for packet in
            [r#"2["a"]"#, r#"2["a",1]"#, r#"2["a",{},{}]"#, r#"2["a",[{}]]"#, r#"2["a","{}"]"#, "2[1,{}]"]
        {
            check(packet, packet);
        }
    }
}
