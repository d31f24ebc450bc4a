//! Stamps: the position that an event which is not an entry carries for its recipient.
//!
//! They are added to encoded packets, because the recipients of one event have seen different entries. With recovery
//! the offset is an extra argument. With cursors it is the last field of the event's object, where clients of any
//! language find it in entries too.

use socketio::Packet;

use crate::feed::Resume;

/// Adds an offset of the feed as the last argument.
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

/// Adds a cursor to the event's object. `None` unless the event has exactly one argument, an object.
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

/// The end of the string that begins at `start`.
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

/// The end of the object or array at the start of the text.
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
