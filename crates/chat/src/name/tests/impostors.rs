//! Names of people who want to be taken for others, or for the server; and names that only resemble them.
//!
//! The words in other clothes are made here, each in each; the rest are written down. All that pass are told at once.

use super::*;

/// A way to write a word so that it is still read as the word, and its name.
type Clothes = (&'static str, fn(&str) -> String);

const CLOTHES: [Clothes; 20] = [
    ("capitals", |word| word.to_uppercase()),
    ("full width", |word| shifted(word, 0xff41)),
    ("bold", |word| shifted(word, 0x1d41a)),
    ("sans-serif", |word| shifted(word, 0x1d5ba)),
    ("monospace", |word| shifted(word, 0x1d68a)),
    ("in circles", |word| shifted(word, 0x24d0)),
    ("in brackets", |word| shifted(word, 0x249c)),
    ("capitals in circles", |word| shifted(word, 0x24b6)),
    ("capitals in black circles", |word| shifted(word, 0x1f150)),
    ("capitals in squares", |word| shifted(word, 0x1f130)),
    ("capitals in black squares", |word| shifted(word, 0x1f170)),
    ("flags", |word| shifted(word, 0x1f1e6)),
    ("with a dot below each letter", |word| after_each(word, "\u{323}")),
    ("with an accent on each letter", |word| after_each(word, "\u{301}")),
    ("spaced out", |word| after_each(word, " ")),
    ("with points between", |word| after_each(word, ".")),
    ("with a check mark", |word| format!("{word} ✓")),
    ("in square brackets", |word| format!("[{word}]")),
    ("with an at sign", |word| format!("@{word}")),
    ("with a number", |word| format!("{word}_42")),
];

const RESERVED: [&str; 8] =
    ["admin", "moderator", "system", "support", "tidings", "everyone", "root", "owner"];

fn shifted(word: &str, a: u32) -> String {
    word.bytes().map(|byte| char::from_u32(a + u32::from(byte - b'a')).unwrap()).collect()
}

fn after_each(word: &str, mark: &str) -> String {
    word.chars().flat_map(|c| [c.to_string(), mark.to_owned()]).collect()
}

#[test]
fn a_reserved_word_in_other_clothes_is_reserved() {
    let mut tried = 0;
    let mut passed = Vec::new();
    for word in RESERVED {
        for (clothes, wear) in CLOTHES {
            tried += 1;
            let name = wear(word);
            if Nickname::parse(&name).is_ok() {
                passed.push(format!("{name} ({word}, {clothes})"));
            }
        }
    }
    assert_eq!(tried, RESERVED.len() * CLOTHES.len());
    assert!(passed.is_empty(), "{passed:#?}");
}

#[test]
fn people_cannot_speak_for_the_server() {
    let names = "\
        admin ✓|★ admin ★|admin™|-admin-|_admin_|admin.|ad-min|ad.min|a-d-m-i-n|аdmіn|адмін|АDМIN|adm1n|4dmin|@dmin|4dm1n|\
        admın|admîn|ädmin|àdmín|ᴀᴅᴍɪɴ|ᵃᵈᵐⁱⁿ|admin1|admin 2|admin2024|Admin Ada|Ada (admin)|ada [ADMIN]|\
        the admin|Server Admin|AdminTeam|TidingsAdmin|sysadmin|Admins|Administrator|administrators|administration|\
        Аdministrator|Администратор|администратор|Админ|Модератор|адміністратор|διαχειριστής|管理员|系统管理员|管理者|관리자|\
        mod|MOD|m0d|mods|The Mods|mod team|rnod|rnoderator|Moderator|m0derat0r|Moderatorin|Modérateur|moderateur|Moderador|\
        administrateur|Administradora|amministratore|yönetici|\
        مدير|المدير|مشرف|المشرف|مُدير|النظام|الدعم|الجميع|\
        system|sуstem|SYSTEM|sy5tem|5ystem|system message|The System|Système|sistema|система|系统|システム|시스템|\
        support|supp0rt|$upport|suppor7|Support Team|official support|Tidings Support|Soporte|поддержка|\
        Server|5erver|the server|Serveur|root|r00t|гооt|root.|owner|0wner|The Owner|Besitzer|Eigentümer|eigentumer|владелец|\
        tidings|T1dings|Tidings Bot|tıdings|tídings|ţidings|the tidings|Tidings.|\
        everyone|@everyone|every0ne|everybody|all|@all|aIl|a11|here|@here|@channel|channel|Alle|@alle|todos|tous|все|\
        guest|Guest|gu3st|guest-4f2a|guest 4f2a|guest_4f2a|guest4f2a|Gast|Gast-12|gast12|ضيف|ضيف-12|guest-|guest-1|\
        staff|official|security|webmaster|deleted|unknown|null|nobody|anonymous|gelöscht|Unbekannt";
    let names: Vec<_> = names.split('|').collect();
    let passed: Vec<_> =
        names.iter().filter(|name| Nickname::parse(name) != Err(NameError::Reserved)).collect();
    assert!(passed.is_empty(), "of {}: {passed:#?}", names.len());
}

#[test]
fn nobody_looks_like_another_person() {
    let pairs = [
        (
            "ada lovelace",
            "Ada Lovelace|ADA LOVELACE|аda lovelace|adа lovelace|ada lоvelace|ada lovelacе|ａｄａ lovelace|ⓐⓓⓐ lovelace|\
             ada lovelace.|ada lovelace ✓|✓ ada lovelace|ada lovelace ☑|ada-lovelace|ada_lovelace|ada.lovelace|ada lovelace!|\
             (ada lovelace)|«ada lovelace»|ada ·lovelace|ada lovelacė|ada lovelaçe|ạda lovelace|adą lovelace|ada lovelace👑|\
             𝐚𝐝𝐚 lovelace|𝕒𝕕𝕒 𝕝𝕠𝕧𝕖𝕝𝕒𝕔𝕖|🅐🅓🅐 lovelace|🄰🄳🄰 lovelace|ᴀᴅᴀ ʟᴏᴠᴇʟᴀᴄᴇ|ada Iovelace|ada 1ovelace|ada lovelасе|ada  lovelace|\
             ada\u{2003}lovelace|ada\u{a0}lovelace|ᵃda lovelace|ada ℓovelace|ada l0velace|ada lovelace°|ada ｌovelace|ªda lovelace",
        ),
        ("bob", "Bob|BOB|b0b|bоb|Ьob|bob.|bob~|ḅob|bob™|'bob'|ｂob|ⓑob|🅱ob|bob…"),
        ("Émile", "émile|ÉMILE|Émile.|Émilе|Émiļe"),
        ("strasse", "straße|STRASSE|STRAẞE"),
        ("müller", "Müller|MÜLLER|mu\u{308}ller|müIler|ｍüller|müller®"),
        ("أحمد", "أَحمد|أحمد.|أحمَد|ﺃﺣﻤﺪ|أُحمد"),
        ("דוד", "דָּוִד|דוד׳|דוֹד"),
        ("иван", "ИВАН|Иван|иван.|и\u{307}ван"),
        ("王伟", "王伟。|王伟✓|「王伟」"),
        ("サトウ", "ｻﾄｳ|サトウ。"),
        ("fluffy", "ﬂuffy|flu\u{fb00}y|ﬂuﬀy"),
        ("vivian", "ⅵvian|Vivian|vіvian"),
        ("number 5", "number ５|number ⑤|Number 5|number #5"),
        ("Max", "max|МАХ|Мах|ΜΑΧ|Ｍax|МAX"),
    ];
    let (mut tried, mut passed) = (0, Vec::new());
    for (person, impostors) in pairs {
        for impostor in impostors.split('|') {
            tried += 1;
            let name = Nickname::parse(impostor);
            if name.is_ok_and(|name| !shares_a_skeleton(&name, person)) {
                passed.push(format!("{impostor} ({person})"));
            }
        }
    }
    assert!(passed.is_empty(), "of {tried}: {passed:#?}");
}

#[test]
fn marks_that_do_not_belong_to_their_letter_are_not_allowed() {
    for name in [
        "ada\u{489}",
        "ada\u{20dd}",
        "a\u{20e3}da",
        "ada\u{670}",
        "ada\u{64b}",
        "ada\u{5b8}",
        "ada\u{e31}",
        "ada\u{93f}",
        "ada\u{3099}",
        "ada \u{301}",
        "ada!\u{301}",
        "ada 1\u{301}",
        "👑\u{301}",
        "日\u{64e}",
    ] {
        assert_eq!(Nickname::parse(name), Err(NameError::Invalid), "{name:?}");
    }
}

#[test]
fn ordinary_names_are_free() {
    let names = "\
        Ali|ALI|Alia|Al|Al L.|Allan|Alla|Modesty|Modi|Modeste|Roy|Roots|Rooter|Amos Root|Edgar Guest|Guesthouse|Gastón|Gaston|\
        Badminton|Adama|Adamin|Admira|Owen|Ownerby|Hereward|Channelle|Chanel|Serverus|Sistine|Stafford|Supportive|Hosni|Botho|\
        Ann Here|Henry Allen|Rootberry|Nobody Owens|Nullah|Alleyne|Tous Saints|Toussaint|Todd|Mo|Mod Squad|System of a Down|\
        Zoë|Zoe|Jürgen|Jurgen|François|Łukasz|Søren|Ångström|İbrahim|Ömer|Çağla|Nguyễn Thị Hạnh|Tú|Tư|O'Neil|D'Angelo|\
        Jean-Luc|Ada L.|ada 2|李小龍|김민준|さくら|हिन्दी|कवि|नरेंद्र|தமிழ்|ไทย|สมชาย|ខ្មែរ|မြန်မာ|አበበ|Ελένη|Ὀδυσσεύς|Владимир|\
        Їжак|Ґалаґан|محمد|مُحَمَّد|عبد الله|ابن سينا|שלום|Տիգրան|გიორგი|ᏣᎳᎩ|👑|👩🚀|ada 👑|🇩🇪 Karl|x|_|!?|42|R2D2|C-3PO|\
        Mr. T|Deadmau5|will.i.am|Ke$ha|P!nk|k8|3Jane|7of9|Seven of Nine|n00b|Xavier|Quyền|Ürümqi|Þór|ʻOkina|Māori|Ḥasan";
    let refused: Vec<_> =
        names.split('|').filter_map(|name| Nickname::parse(name).err().map(|err| (name, err))).collect();
    assert!(refused.is_empty(), "{refused:?}");
}

#[test]
fn people_with_different_names_do_not_meet() {
    for (one, other) in [
        ("Ali", "Ally"),
        ("Zoë", "Joë"),
        ("Tú", "Tư"),
        ("कवि", "कवी"),
        ("كمال", "جمال"),
        ("王伟", "王玮"),
        ("ada 1", "ada 2"),
        ("Jean", "Jeanne"),
        ("👑", "👻"),
        ("さ", "ざ"),
        ("иван", "ион"),
        ("Ann", "Änn"),
    ] {
        assert!(!shares_a_skeleton(one, other), "{one} and {other}");
    }
}

/// `c` and `c++` are different subjects, but `gеneral` is no other room.
#[test]
fn rooms_keep_their_signs() {
    let skeletons = |name| RoomName::parse(name).unwrap().skeletons();
    let share = |one, other| skeletons(one).iter().any(|looks| skeletons(other).contains(looks));
    for (one, other) in [("c", "c++"), ("c", "c#"), ("help", "help?"), ("tea", "tea 🍵")] {
        assert!(!share(one, other), "{one} and {other}");
    }
    for (one, other) in [("general", "gеneral"), ("Lobby", "ⓛⓞⓑⓑⓨ"), ("Lobby", "LOBBY"), ("tea", "tẹa")]
    {
        assert!(share(one, other), "{one} and {other}");
    }
}
