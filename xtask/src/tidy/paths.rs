//! Reads which modules a Rust crate has, and which paths each of them names.
//!
//! It looks at tokens, so comments and strings are no paths, and the arguments and bodies of macros are looked at too. A
//! path is found wherever it stands: in a `use`, a signature or a body. It is told from the root of the crate. What is
//! compiled only for tests is left out, since tests may use anything. Paths that begin with a name from a `use` are not
//! followed; that `use` is.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use super::{Fault, Source};

/// The names from the root of the crate to a module or an item.
pub(super) type Path = Vec<String>;

/// The modules of one crate.
pub(super) struct Crate<'a> {
    /// Such as `crates/chat/src/`.
    pub(super) folder: &'a str,
    pub(super) modules: BTreeSet<Path>,
    pub(super) mentions: Vec<Mention<'a>>,
    /// What a module has under another name or passes on: for each new name the path behind it.
    aliases: BTreeMap<Path, Path>,
    pub(super) faults: Vec<Fault>,
}

/// A place where a module names something of its crate.
pub(super) struct Mention<'a> {
    pub(super) source: &'a Source,
    pub(super) line: usize,
    /// The module that names it.
    pub(super) by: Path,
    pub(super) path: Path,
    /// `$crate`: a macro names its crate for its callers.
    pub(super) is_for_callers: bool,
}

impl<'a> Crate<'a> {
    pub(super) fn read(folder: &'a str, sources: &'a [Source]) -> Self {
        let mut read = Self {
            folder,
            modules: BTreeSet::from([Path::new()]),
            mentions: Vec::new(),
            aliases: BTreeMap::new(),
            faults: Vec::new(),
        };
        let mut tests = Vec::new();
        let mut faults = Vec::new();
        for source in sources {
            let Some(file) = module_of(folder, source) else { continue };
            let Ok(tokens) = source.text.parse::<TokenStream>() else {
                faults.push((file, source.fault(0, "is no Rust")));
                continue;
            };
            let mut reader = Reader {
                read: &mut read,
                tests: &mut tests,
                faults: &mut faults,
                source,
                own_name: own_name(folder),
                file: &file,
            };
            reader.block(&trees(tokens), &file);
            read.modules.insert(file);
        }
        let is_of_tests = |path: &Path| tests.iter().any(|test| path.starts_with(test));
        read.modules.retain(|path| !is_of_tests(path));
        read.mentions.retain(|mention| !is_of_tests(&mention.by));
        read.aliases.retain(|path, _| !is_of_tests(path));
        read.faults = faults.into_iter().filter(|(at, _)| !is_of_tests(at)).map(|(_, fault)| fault).collect();
        read
    }

    /// The module in which the path ends, through all that is passed on on the way.
    pub(super) fn module_at(&self, path: &[String]) -> Path {
        let mut path = path.to_vec();
        let mut length = 0;
        // Aliases that stand for each other lead nowhere.
        let mut steps_left = 20;
        while length < path.len() && steps_left > 0 {
            if self.modules.contains(&path[..=length]) {
                length += 1;
            } else if let Some(target) = self.aliases.get(&path[..=length]) {
                path.splice(..=length, target.iter().cloned());
                length = 0;
                steps_left -= 1;
            } else {
                break;
            }
        }
        path.truncate(length);
        path
    }
}

/// `chat_sqlite`: a program names its own library in this way.
fn own_name(folder: &str) -> String {
    folder.trim_end_matches("/src/").rsplit('/').next().unwrap_or_default().replace('-', "_")
}

/// The module that a file is. The root has no names.
fn module_of(folder: &str, source: &Source) -> Option<Path> {
    let path = source.path.strip_prefix(folder)?.strip_suffix(".rs")?;
    if matches!(path, "lib" | "main") {
        return Some(Path::new());
    }
    Some(path.split('/').map(str::to_owned).collect())
}

struct Reader<'r, 'a> {
    read: &'r mut Crate<'a>,
    /// The modules that only tests have.
    tests: &'r mut Vec<Path>,
    /// With the file that they are in.
    faults: &'r mut Vec<(Path, Fault)>,
    source: &'a Source,
    own_name: String,
    file: &'r Path,
}

impl Reader<'_, '_> {
    /// Reads the tokens between two braces or other delimiters, in the module `at`.
    fn block(&mut self, trees: &[TokenTree], at: &Path) {
        let mut place = 0;
        while place < trees.len() {
            place += if is_test(&trees[place..]) {
                let length = item_length(&trees[place..]);
                self.tests.extend(declared(&trees[place..place + length], at));
                length
            } else {
                self.item(trees, place, at)
            };
        }
    }

    /// Reads what begins here, and returns how many tokens that were.
    fn item(&mut self, trees: &[TokenTree], place: usize, at: &Path) -> usize {
        let rest = &trees[place..];
        match word(rest) {
            Some(word) if word == "use" && !is_punct(rest.get(1), '<') => {
                let length = rest.iter().position(|tree| is_punct(Some(tree), ';')).unwrap_or(rest.len());
                self.tree(&rest[1..length], None, at);
                length
            }
            Some(word)
                if word == "extern" && is_word(rest.get(1), "crate") && is_word(rest.get(2), "self") =>
            {
                self.fault(&rest[0], "the crate has one name: crate");
                3
            }
            Some(word)
                if word == "mod" && rest.get(1).is_some_and(|tree| matches!(tree, TokenTree::Ident(_))) =>
            {
                let inner = child(at, &rest[1].to_string());
                if let Some(TokenTree::Group(group)) = rest.get(2) {
                    self.block(&self::trees(group.stream()), &inner);
                    self.read.modules.insert(inner);
                }
                3
            }
            Some(_) if !is_inside_path(&trees[..place]) => {
                let Some((start, length)) = self.start(rest, at) else { return 1 };
                let (names, further) = names(&rest[length..]);
                if !names.is_empty() {
                    let is_for_callers = is_punct(trees[..place].last(), '$');
                    self.mention(&rest[0], at, [start, names].concat(), is_for_callers);
                }
                length + further
            }
            Some(_) => 1,
            None => {
                if let TokenTree::Group(group) = &rest[0] {
                    let inner = self::trees(group.stream());
                    if is_word(inner.first(), "path") && is_punct(trees[..place].last(), '#') {
                        self.fault(&rest[0], "a module is found by its name");
                    }
                    self.block(&inner, at);
                }
                1
            }
        }
    }

    /// What `crate`, `self` and `super` stand for at the begin of a path, and how many tokens that were. None where
    /// nothing of a path follows.
    fn start(&self, rest: &[TokenTree], at: &Path) -> Option<(Path, usize)> {
        let first = word(rest)?;
        let mut start = match &*first {
            "self" => at.clone(),
            "super" => at.split_last().map(|(_, outer)| outer.to_vec()).unwrap_or_default(),
            first if first == "crate" || first == self.own_name => Path::new(),
            _ => return None,
        };
        let mut length = 1;
        if !is_separator(&rest[length..]) {
            return None;
        }
        while is_separator(&rest[length..]) && is_word(rest.get(length + 2), "super") {
            start.pop();
            length += 3;
        }
        Some((start, length))
    }

    /// Reads a tree of a `use`, behind `before`.
    fn tree(&mut self, trees: &[TokenTree], before: Option<&Path>, at: &Path) {
        let Some(first) = trees.first() else { return };
        if let TokenTree::Group(group) = first {
            let inner = self::trees(group.stream());
            for branch in inner.split(|tree| is_punct(Some(tree), ',')) {
                self.tree(branch, before, at);
            }
            return;
        }
        // Paths of other crates begin with a name, or with `::` at the latest.
        let (mut path, mut rest) = match before {
            Some(before) => (before.clone(), trees),
            None => match word(trees).as_deref() {
                Some("crate") => (Path::new(), &trees[1..]),
                Some(own) if own == self.own_name => (Path::new(), &trees[1..]),
                // A child may be named without `self`.
                Some(_) => (at.clone(), trees),
                None => return,
            },
        };
        loop {
            if is_separator(rest) {
                rest = &rest[2..];
            }
            match word(rest).as_deref() {
                Some("super") => {
                    path.pop();
                }
                Some("self") => {}
                Some("as") | None => break,
                Some(name) => path.push(name.to_owned()),
            }
            rest = &rest[1..];
        }
        if matches!(rest.first(), Some(TokenTree::Group(_))) {
            return self.tree(rest, Some(&path), at);
        }
        self.leaf(first, path, rest, at);
    }

    /// Takes down a whole path of a `use`, and the name that it gets.
    fn leaf(&mut self, first: &TokenTree, path: Path, rest: &[TokenTree], at: &Path) {
        if self.file.starts_with(&path) && self.file.len() > path.len() {
            return self
                .fault(first, "a module around this one gets no second name: name what is used of it");
        }
        if path.is_empty() {
            return self.fault(first, "the root gets no second name: name what is used of it");
        }
        let name = if is_word(rest.first(), "as") { word(&rest[1..]) } else { path.last().cloned() };
        if let Some(name) = name.filter(|name| name != "_" && !is_punct(rest.first(), '*')) {
            let alias = child(at, &name);
            if alias != path {
                self.read.aliases.insert(alias, path.clone());
            }
        }
        self.mention(first, at, path, false);
    }

    fn mention(&mut self, first: &TokenTree, at: &Path, path: Path, is_for_callers: bool) {
        let line = first.span().start().line;
        self.read.mentions.push(Mention { source: self.source, line, by: at.clone(), path, is_for_callers });
    }

    fn fault(&mut self, place: &TokenTree, what: &str) {
        let fault = self.source.fault(place.span().start().line, what);
        self.faults.push((self.file.clone(), fault));
    }
}

pub(super) fn trees(tokens: TokenStream) -> Vec<TokenTree> {
    tokens.into_iter().collect()
}

fn child(module: &Path, name: &str) -> Path {
    let mut path = module.clone();
    path.push(name.to_owned());
    path
}

/// The names of a path behind its begin, and how many tokens they are.
fn names(mut rest: &[TokenTree]) -> (Path, usize) {
    let mut names = Path::new();
    while is_separator(rest)
        && let Some(name) = word(&rest[2..])
    {
        names.push(name);
        rest = &rest[3..];
    }
    let length = names.len() * 3;
    (names, length)
}

/// The first token, if it is a word.
pub(super) fn word(trees: &[TokenTree]) -> Option<String> {
    match trees.first() {
        Some(TokenTree::Ident(word)) => Some(word.to_string().trim_start_matches("r#").to_owned()),
        _ => None,
    }
}

pub(super) fn is_word(tree: Option<&TokenTree>, wanted: &str) -> bool {
    matches!(tree, Some(TokenTree::Ident(word)) if word == wanted)
}

pub(super) fn is_punct(tree: Option<&TokenTree>, wanted: char) -> bool {
    matches!(tree, Some(TokenTree::Punct(punct)) if punct.as_char() == wanted)
}

fn is_separator(rest: &[TokenTree]) -> bool {
    is_punct(rest.first(), ':') && is_punct(rest.get(1), ':')
}

/// Whether a word behind these tokens goes on with a path, or is a field.
fn is_inside_path(before: &[TokenTree]) -> bool {
    is_punct(before.last(), '.') || before.len() >= 2 && is_separator(&before[before.len() - 2..])
}

/// Whether an attribute begins here that leaves an item to the tests.
pub(super) fn is_test(rest: &[TokenTree]) -> bool {
    let (Some(TokenTree::Punct(hash)), Some(TokenTree::Group(group))) = (rest.first(), rest.get(1)) else {
        return false;
    };
    let inner = trees(group.stream());
    let of_tests = |inner: &[TokenTree]| {
        is_word(inner.first(), "test") && inner.len() == 1
            || is_word(inner.first(), "all")
                && matches!(inner.get(1), Some(TokenTree::Group(all))
                    if trees(all.stream()).split(|tree| is_punct(Some(tree), ',')).any(|one| one.len() == 1 && is_word(one.first(), "test")))
    };
    hash.as_char() == '#'
        && is_word(inner.first(), "cfg")
        && matches!(inner.get(1), Some(TokenTree::Group(condition)) if of_tests(&trees(condition.stream())))
}

/// How many tokens an item has, with the attributes that it begins with.
pub(super) fn item_length(trees: &[TokenTree]) -> usize {
    let mut start = 0;
    while is_punct(trees.get(start), '#') {
        start += 2;
    }
    let header = &trees[start.min(trees.len())..];
    let keyword = keyword(header);
    let ends_by_brace = !matches!(&*keyword, "use" | "let" | "const" | "static" | "type");
    // A field or an arm ends by a comma; the generics of an item have commas too.
    let ends_by_comma =
        ends_by_brace && !matches!(&*keyword, "fn" | "impl" | "struct" | "enum" | "trait" | "mod");
    let end = header.iter().position(|tree| match tree {
        TokenTree::Group(group) => ends_by_brace && group.delimiter() == Delimiter::Brace,
        tree => is_punct(Some(tree), ';') || ends_by_comma && is_punct(Some(tree), ','),
    });
    end.map_or(trees.len(), |end| start + end + 1)
}

/// The first word of an item that says what kind of item it is.
fn keyword(header: &[TokenTree]) -> String {
    let mut words = header.iter().enumerate().filter_map(|(place, tree)| {
        let is_of_function =
            ["fn", "async", "unsafe"].iter().any(|next| is_word(header.get(place + 1), next));
        let word = word(std::slice::from_ref(tree))?;
        let is_before =
            matches!(&*word, "pub" | "async" | "unsafe" | "extern") || word == "const" && is_of_function;
        (!is_before).then_some(word)
    });
    words.next().unwrap_or_default()
}

/// The module that an item declares, if it does.
fn declared(item: &[TokenTree], at: &Path) -> Option<Path> {
    let place = item.iter().position(|tree| is_word(Some(tree), "mod"))?;
    Some(child(at, &word(&item[place + 1..])?))
}
