//! Chooses a content coding by `Accept-Encoding`.
//!
//! It implements the weights of RFC 9110 section 12.5.3: explicit ones, `*`, and `q=0` as a refusal. If nothing else is
//! acceptable, the identity is sent, even if it was refused: a page without its script helps nobody.

use http::{HeaderMap, header};

use crate::planted::edge::{self, EdgeBug};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    Identity,
    Gzip,
    Brotli,
}

/// A weight in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Weight(u16);

impl Weight {
    const ONE: Self = Self(1000);
    const ZERO: Self = Self(0);

    /// `0`, `1`, or either with up to three decimals, not above one.
    fn parse(text: &str) -> Option<Self> {
        let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
        if decimals.len() > 3 || !decimals.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let whole = match whole {
            "0" => 0,
            "1" => 1000,
            _ => return None,
        };
        let decimals: u16 = format!("{decimals:0<3}").parse().ok()?;
        Some(Self(whole + decimals)).filter(|weight| *weight <= Self::ONE)
    }
}

/// The coding that the client prefers among the identity and those available; the smaller one if equal.
pub(super) fn preferred(headers: &HeaderMap, on_offer: &[Coding]) -> Coding {
    let mut wishes = Wishes::default();
    for line in headers.get_all(header::ACCEPT_ENCODING) {
        line.to_str().unwrap_or_default().split(',').for_each(|member| wishes.add(member));
    }
    if edge::is(EdgeBug::CompressesUnasked) && !headers.contains_key(header::ACCEPT_ENCODING) {
        return *on_offer.first().unwrap_or(&Coding::Identity);
    }
    let mut best = (Coding::Identity, wishes.identity.unwrap_or(Weight::ZERO));
    let offers = [(Coding::Gzip, wishes.gzip), (Coding::Brotli, wishes.brotli)];
    for (coding, weight) in offers.into_iter().filter(|(coding, _)| on_offer.contains(coding)) {
        let weight = weight.or(wishes.others).unwrap_or(Weight::ZERO);
        if weight > Weight::ZERO && weight >= best.1 {
            best = (coding, weight);
        }
    }
    best.0
}

#[derive(Debug, Default)]
struct Wishes {
    identity: Option<Weight>,
    gzip: Option<Weight>,
    brotli: Option<Weight>,
    /// The weight of `*`, for codings that are not named.
    others: Option<Weight>,
}

impl Wishes {
    /// Reads one member of the list; an unreadable one is ignored.
    fn add(&mut self, member: &str) {
        let (name, parameter) = member.split_once(';').unwrap_or((member, "q=1"));
        let weight = parameter.trim().strip_prefix(['q', 'Q']).and_then(|rest| rest.strip_prefix('='));
        let Some(mut weight) = weight.and_then(Weight::parse) else { return };
        if edge::is(EdgeBug::IgnoresWeights) {
            weight = Weight::ONE;
        }
        match name.trim().to_ascii_lowercase().as_str() {
            "identity" => self.identity = Some(weight),
            "gzip" | "x-gzip" => self.gzip = Some(weight),
            "br" => self.brotli = Some(weight),
            "*" => self.others = Some(weight),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn check(accept: &str, expected: Coding) {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_str(accept).unwrap());
        assert_eq!(preferred(&headers, &[Coding::Gzip, Coding::Brotli]), expected, "{accept:?}");
    }

    #[test]
    fn the_heaviest_coding_wins_and_the_smaller_one_in_a_tie() {
        check("gzip, deflate, br", Coding::Brotli);
        check("gzip;q=1.0, br;q=0.9", Coding::Gzip);
        check("gzip;q=0.3 , BR ; q=0.301", Coding::Brotli);
        check("identity, gzip;q=0.5", Coding::Identity);
        check("identity;q=0.5, gzip;q=0.5", Coding::Gzip);
        check("x-gzip", Coding::Gzip);
    }

    #[test]
    fn a_refused_coding_is_never_sent() {
        check("br;q=0, gzip", Coding::Gzip);
        check("br;q=0, gzip;q=0.000, *", Coding::Identity);
        check("*;q=0", Coding::Identity);
        check("br;q=0, *", Coding::Gzip);
    }

    #[test]
    fn what_is_unknown_or_malformed_says_nothing() {
        check("", Coding::Identity);
        check("zstd, deflate", Coding::Identity);
        for bad in
            ["br;q=2", "br;q=1.001", "br;q=0.1234", "br;q=", "br;q=-1", "br;q=NaN", "br;level=1", "br;q=0.+1"]
        {
            check(bad, Coding::Identity);
        }
        check("*", Coding::Brotli);
    }

    #[test]
    fn only_what_is_on_offer_is_chosen() {
        let mut headers = HeaderMap::new();
        headers.append(header::ACCEPT_ENCODING, HeaderValue::from_static("br"));
        headers.append(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip;q=0.1"));
        assert_eq!(preferred(&headers, &[Coding::Gzip]), Coding::Gzip);
        assert_eq!(preferred(&headers, &[]), Coding::Identity);
    }
}
