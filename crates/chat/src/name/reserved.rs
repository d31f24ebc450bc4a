//! Names that nobody may take, because people would believe them.
//!
//! They are compared by their letters, without signs, accents, and digits at the end, in the languages of the app and some
//! that are widely spoken. `4dm1n`, `@everyone`, `[ADMIN]` and `a d m i n` are as good as the plain word.

use std::collections::HashSet;
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::looks::{letters, plain, readings};

/// Nobody may have one of these as the whole name, with or without a [`FILLER`].
const TITLES: &[&str] = &[
    // English
    "mod",
    "mods",
    "owner",
    "owners",
    "root",
    "system",
    "server",
    "support",
    "staff",
    "official",
    "security",
    "operator",
    "host",
    "helpdesk",
    "webmaster",
    "postmaster",
    "bot",
    "everyone",
    "everybody",
    "all",
    "here",
    "channel",
    "guest",
    "anonymous",
    "deleted",
    "unknown",
    "nobody",
    "null",
    "undefined",
    // German
    "besitzer",
    "besitzerin",
    "eigentümer",
    "eigentümerin",
    "inhaber",
    "betreiber",
    "betreiberin",
    "hilfe",
    "sicherheit",
    "alle",
    "jeder",
    "kanal",
    "gast",
    "unbekannt",
    "gelöscht",
    // Arabic
    "مدير",
    "المدير",
    "مشرف",
    "المشرف",
    "مسؤول",
    "المسؤول",
    "مالك",
    "المالك",
    "النظام",
    "نظام",
    "الدعم",
    "دعم",
    "الخادم",
    "الجميع",
    "الكل",
    "القناة",
    "ضيف",
    "مجهول",
    // Others
    "propriétaire",
    "système",
    "serveur",
    "tous",
    "invité",
    "propietario",
    "dueño",
    "sistema",
    "soporte",
    "servidor",
    "todos",
    "invitado",
    "proprietario",
    "supporto",
    "tutti",
    "ospite",
    "suporte",
    "convidado",
    "właściciel",
    "wszyscy",
    "eigenaar",
    "iedereen",
    "sahip",
    "destek",
    "herkes",
    "владелец",
    "система",
    "поддержка",
    "все",
    "гость",
    "власник",
    "所有者",
    "系统",
    "システム",
    "시스템",
];

/// No word of a name may be one of these, or begin or end with one.
const OFFICES: &[&str] = &[
    "admin",
    "administrator",
    "moderator",
    "tidings",
    "sysadmin",
    "superuser",
    "administratorin",
    "moderatorin",
    "administrateur",
    "administratrice",
    "modérateur",
    "modératrice",
    "administrador",
    "administradora",
    "moderador",
    "moderadora",
    "amministratore",
    "moderatore",
    "administratör",
    "yönetici",
    "moderatör",
    "администратор",
    "админ",
    "адмін",
    "модератор",
    "адміністратор",
    "διαχειριστής",
    "管理员",
    "管理員",
    "管理者",
    "관리자",
];

/// With these beside it, a title is still a title.
const FILLERS: &[&str] = &[
    "the", "a", "real", "official", "team", "chat", "account", "user", "message", "notice", "info", "news",
    "of", "this", "my", "der", "die", "das", "el", "la", "le", "فريق",
];

/// How the app calls people without a name: this word, and some hexadecimal digits.
const GUESTS: &[&str] = &["guest", "gast", "ضيف"];

/// The reserved words as they are compared.
struct Reserved {
    titles: HashSet<String>,
    offices: HashSet<String>,
    fillers: HashSet<String>,
    guests: HashSet<String>,
}

static RESERVED: LazyLock<Reserved> = LazyLock::new(|| {
    let compared = |words: &[&str]| words.iter().flat_map(|word| spellings(word)).collect();
    Reserved {
        titles: compared(TITLES),
        offices: compared(OFFICES),
        fillers: compared(FILLERS),
        guests: compared(GUESTS),
    }
});

/// Whether a name looks like a reserved one.
pub(super) fn is_reserved(name: &str) -> bool {
    let plain = plain(name);
    let with_letters: String = plain.chars().map(letter_for).collect();
    let spelled = letters(&plain);
    RESERVED.is_guest(&spelled) || [&spelled, &letters(&with_letters)].iter().any(|name| RESERVED.has(name))
}

impl Reserved {
    /// Whether people would take somebody of this name for one who speaks for the server.
    fn has(&self, name: &str) -> bool {
        let words: Vec<_> = name.split(' ').collect();
        let is_spaced_out = words.iter().all(|word| word.chars().count() == 1);
        let whole = words.concat();
        let are_titles = words.iter().any(|word| self.is_title(word))
            && words.iter().all(|word| {
                self.is_title(word) || is_any(&self.fillers, word) || without_number(word).is_empty()
            });
        are_titles
            || is_spaced_out && self.is_title(&whole)
            || words.iter().copied().chain([&*whole]).any(|word| self.names_an_office(word))
    }

    fn is_title(&self, word: &str) -> bool {
        is_any(&self.titles, word) || is_any(&self.titles, without_number(word)) || self.names_an_office(word)
    }

    /// Whether a word is an office, also one that is written together with something else.
    fn names_an_office(&self, word: &str) -> bool {
        let is_part = |word: &String, office: &String| word.starts_with(office) || word.ends_with(office);
        [word, without_number(word)]
            .iter()
            .flat_map(|word| spellings(word))
            .any(|word| self.offices.iter().any(|office| is_part(&word, office)))
    }

    /// Whether the app would call somebody without a name so.
    fn is_guest(&self, name: &str) -> bool {
        let is_number = |rest: &str| {
            rest.chars().any(|c| c.is_ascii_digit())
                && rest.chars().all(|c| c.is_ascii_hexdigit() || c == ' ')
        };
        let is_guest = |word: &str| is_any(&self.guests, word.trim_end());
        // The number can begin at any letter, because it may follow the word without a sign between.
        name.char_indices().any(|(at, _)| is_guest(&name[..at]) && is_number(&name[at..]))
    }
}

fn is_any(words: &HashSet<String>, word: &str) -> bool {
    spellings(word).iter().any(|spelled| words.contains(spelled))
}

fn without_number(word: &str) -> &str {
    word.trim_end_matches(char::is_numeric)
}

/// How a word is compared: by its looks, without accents. Among capitals, an `I` is no `l`: `ALI` is not `all`.
fn spellings(word: &str) -> Vec<String> {
    let bare: String = word.nfd().filter(|c| !is_combining_mark(*c)).nfc().collect();
    let is_capitals = !bare.chars().any(char::is_lowercase);
    let spelled = if is_capitals { bare.replace('I', "i") } else { bare };
    readings(&spelled).into_iter().filter(|reading| !reading.is_empty()).collect()
}

/// The letter that a digit or a sign often stands for.
fn letter_for(c: char) -> char {
    match c {
        '@' | '4' => 'a',
        '3' | '€' => 'e',
        '1' | '!' => 'i',
        '0' => 'o',
        '5' | '$' => 's',
        '7' | '+' => 't',
        _ => c,
    }
}
