//! Requests for links never affect the links of other people.

use proptest::prelude::*;

use super::*;

const ADA: UserId = UserId(1);
const BOB: UserId = UserId(2);

fn code(number: u64) -> Code {
    let mut bytes = [0; 10];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    Code::from_bytes(bytes)
}

fn sizes(links: &Links) -> [usize; 4] {
    [
        links.open.len(),
        links.order.len(),
        links.by_user.values().map(VecDeque::len).sum(),
        links.holders.len(),
    ]
}

/// Compares the three orders of the links with the links.
fn audit(links: &Links) {
    let order: BTreeMap<Serial, Code> = links.open.iter().map(|(code, link)| (link.serial, *code)).collect();
    assert_eq!(order.len(), links.open.len(), "each link has a serial of its own");
    assert!(links.order == order, "the order of the links");
    let mut by_user: HashMap<UserId, VecDeque<Serial>> = HashMap::new();
    for (serial, code) in &order {
        by_user.entry(links.open[code].user).or_default().push_back(*serial);
    }
    assert_eq!(links.by_user, by_user);
    let holders = by_user.iter().map(|(user, own)| (own.len(), Reverse(own[0]), *user));
    assert_eq!(links.holders, holders.collect());
}

#[test]
fn a_link_works_once() {
    let (mut links, now) = (Links::default(), Instant::now());
    links.open(ADA, code(1), now);
    assert_eq!(links.redeem(&code(2), now), None);
    assert_eq!(links.redeem(&code(1), now), Some(ADA));
    assert_eq!(links.redeem(&code(1), now), None);
    assert_eq!(sizes(&links), [0; 4]);
}

#[test]
fn asking_whose_link_it_is_does_not_use_it_up() {
    let (mut links, now) = (Links::default(), Instant::now());
    links.open(ADA, code(1), now);
    assert_eq!(links.owner(&code(1), now), Some(ADA));
    assert_eq!(links.owner(&code(2), now), None);
    assert_eq!(links.owner(&code(1), now + LINK_LIFE), None);
    assert_eq!(links.redeem(&code(1), now), Some(ADA));
    assert_eq!(links.owner(&code(1), now), None);
}

#[test]
fn a_link_works_for_fifteen_minutes() {
    let (mut links, now) = (Links::default(), Instant::now());
    links.open(ADA, code(1), now);
    links.open(BOB, code(2), now);
    let last = now + LINK_LIFE.saturating_sub(Duration::from_millis(1));
    assert_eq!(links.redeem(&code(1), last), Some(ADA));
    assert_eq!(links.redeem(&code(2), now + LINK_LIFE), None);
}

#[test]
fn a_person_who_asks_again_within_a_second_gets_the_same_link() {
    let (mut links, now) = (Links::default(), Instant::now());
    assert_eq!(links.open(ADA, code(1), now), IssuedLink { code: code(1), life: LINK_LIFE });
    let soon = Duration::from_millis(999);
    let again = links.open(ADA, code(2), now + soon);
    assert_eq!(again, IssuedLink { code: code(1), life: LINK_LIFE.saturating_sub(soon) });
    assert_eq!(links.open(BOB, code(3), now + soon).code, code(3));
    assert_eq!(links.open(ADA, code(4), now + PACE).code, code(4));
    // What was used is not given out again.
    links.redeem(&code(4), now + PACE);
    assert_eq!(links.open(ADA, code(5), now + PACE).code, code(5));
}

/// The attack that made the links of others void: one guest who asks more often than the server keeps links.
#[test]
fn a_guest_who_asks_ten_thousand_times_pushes_out_nobodys_link() {
    let (mut links, now) = (Links::default(), Instant::now());
    links.open(BOB, code(0), now);
    for number in 1..=2 * LINKS_MAX as u64 {
        // Faster than the pace, and each code used or not.
        let now = now + Duration::from_millis(number / 40);
        let given = links.open(ADA, code(number), now);
        if number % 3 == 0 {
            links.redeem(&given.code, now);
        }
    }
    assert!(links.by_user[&ADA].len() <= PER_USER_MAX);
    assert!(sizes(&links).iter().all(|size| *size <= PER_USER_MAX + 1), "{:?}", sizes(&links));
    assert_eq!(links.redeem(&code(0), now + Duration::from_secs(500)), Some(BOB));
}

#[test]
fn at_the_bound_of_all_links_the_person_with_most_loses_their_oldest() {
    let (mut links, now) = (Links::default(), Instant::now());
    for number in 0..PER_USER_MAX as u64 {
        links.open(ADA, code(number), now + PACE * u32::try_from(number).unwrap());
    }
    let later = now + PACE * 10;
    let others = (LINKS_MAX - PER_USER_MAX) as u64;
    for number in 0..others {
        links.open(UserId(100 + number), code(100 + number), later);
    }
    assert_eq!(links.open.len(), LINKS_MAX);
    links.open(BOB, code(99), later);
    assert_eq!(links.open.len(), LINKS_MAX);
    assert_eq!(links.redeem(&code(0), later), None);
    assert_eq!(links.redeem(&code(1), later), Some(ADA));
    assert!((0..others).all(|number| links.redeem(&code(100 + number), later).is_some()));
    assert_eq!(links.redeem(&code(99), later), Some(BOB));
}

#[test]
fn links_are_bounded_and_expire() {
    let (mut links, now) = (Links::default(), Instant::now());
    for number in 0..2 * LINKS_MAX as u64 {
        links.open(UserId(number), code(number), now);
    }
    assert_eq!(sizes(&links), [LINKS_MAX; 4]);
    links.open(ADA, code(99_999), now + LINK_LIFE);
    assert_eq!(sizes(&links), [1; 4]);
}

/// One step of a history of links: who does what, and how much later.
#[derive(Clone, Debug)]
enum Step {
    Ask {
        user: u64,
        millis: u64,
    },
    /// Uses the link that was given out so many links ago.
    Redeem {
        back: usize,
        millis: u64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let millis = || prop_oneof![4 => 0..1_500_u64, 1 => 0..LINK_LIFE.as_secs() * 1_000];
    prop_oneof![
        4 => (0..5_u64, millis()).prop_map(|(user, millis)| Step::Ask { user, millis }),
        1 => (0..20_usize, millis()).prop_map(|(back, millis)| Step::Redeem { back, millis }),
    ]
}

/// All that was ever given out, and nothing clever: what works is looked for each time.
#[derive(Default)]
struct Model(Vec<(UserId, Code, Instant, bool)>);

impl Model {
    fn alive(&self, user: UserId, now: Instant) -> Vec<usize> {
        let is_alive = |(owner, _, since, used): &(UserId, Code, Instant, bool)| {
            *owner == user && !used && now - *since < LINK_LIFE
        };
        (0..self.0.len()).filter(|index| is_alive(&self.0[*index])).collect()
    }

    fn ask(&mut self, user: UserId, code: Code, now: Instant) -> Code {
        let own = self.alive(user, now);
        if let Some((_, code, since, _)) = own.last().map(|index| self.0[*index])
            && now - since < PACE
        {
            return code;
        }
        if own.len() == PER_USER_MAX {
            self.0[own[0]].3 = true;
        }
        self.0.push((user, code, now, false));
        code
    }

    fn redeem(&mut self, code: Code, now: Instant) -> Option<UserId> {
        let link = self.0.iter_mut().find(|link| link.1 == code)?;
        let works = !link.3 && now - link.2 < LINK_LIFE;
        link.3 = true;
        works.then_some(link.0)
    }
}

proptest! {
    /// Below the bound of all links, only its owner's asking, its use and time end a link.
    #[test]
    fn links_are_what_a_simple_model_says(steps in prop::collection::vec(step(), 0..300)) {
        let (mut links, mut model, mut now) = (Links::default(), Model::default(), Instant::now());
        for (number, step) in (0..).zip(steps) {
            match step {
                Step::Ask { user, millis } => {
                    now += Duration::from_millis(millis);
                    let given = links.open(UserId(user), code(number), now);
                    prop_assert_eq!(given.code, model.ask(UserId(user), code(number), now));
                }
                Step::Redeem { back, millis } => {
                    now += Duration::from_millis(millis);
                    let Some(index) = model.0.len().checked_sub(back + 1) else { continue };
                    let code = model.0[index].1;
                    prop_assert_eq!(links.redeem(&code, now), model.redeem(code, now));
                }
            }
            audit(&links);
        }
        for user in (0..5).map(UserId) {
            for index in model.alive(user, now) {
                let code = model.0[index].1;
                prop_assert_eq!(links.redeem(&code, now), Some(user));
            }
        }
        audit(&links);
        // When the time of all links is over, only a new one is left.
        links.open(UserId(9), code(1_000), now + LINK_LIFE);
        prop_assert_eq!(sizes(&links), [1; 4]);
    }
}
