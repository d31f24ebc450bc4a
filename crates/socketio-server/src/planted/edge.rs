//! Planted bugs of HTTP and WebSocket: the tests of this crate must notice each of these (`cargo xtask planted`).

use std::sync::{Mutex, PoisonError};

use http::HeaderMap;

planted::planted_by_name! {
    /// A mistake that somebody could make.
    pub enum EdgeBug {
        // Bodies.
        /// A POST may have one byte more than the limit.
        TakesOneByteMore,
        /// Only a body whose length is announced has a limit.
        LimitsAnnouncedBodiesOnly,
        /// A body may take for ever.
        WaitsForeverForABody,
        /// The session does not hear that a client has gone in the middle of a POST.
        ForgetsAbandonedPosts,
        /// The session does not hear that a client has given up its poll.
        ForgetsAbandonedPolls,
        /// A second poll takes the place of the one that waits.
        LetsPollsOverlap,
        /// The last packet of a POST is forgotten if there are several.
        ForgetsTheLastPacket,
        // Answers.
        /// Only good answers have CORS headers.
        AnswersErrorsWithoutCors,
        /// Only good answers say that they are no page.
        HardensNoErrors,
        /// An answer has the headers of those before it.
        RepeatsHeaders,
        /// The packets of a poll may be stored by a cache.
        LetsPollsBeStored,
        /// Packets are sent as HTML.
        SendsPacketsAsPages,
        /// A refused WebSocket leaves its connection open.
        KeepsRefusedUpgrades,
        /// HEAD gets a body.
        SendsBodiesForHead,
        /// A source map has the type of a script.
        CallsMapsScripts,
        /// A client that asks for no coding gets gzip.
        CompressesUnasked,
        /// The weight of a coding is not looked at.
        IgnoresWeights,
        /// A weak tag is never known.
        ForgetsWeakTags,
        // Origins.
        /// The origin is judged when a session opens, and not later.
        JudgesOriginsOnce,
        /// The port of a page does not count.
        IgnoresPorts,
        /// A parent covers the hosts that end with its letters.
        ComparesEndsOfHosts,
        /// A page of any origin may send cookies.
        AllowsCookiesForAll,
        /// An answer without an origin does not vary with it.
        ForgetsToVary,
        /// The scheme of a listed origin does not count.
        IgnoresSchemes,
        // Proxies.
        /// `X-Forwarded-For` is read from the client's end.
        ReadsProxiesFromTheLeft,
        /// The nearest peer counts as a proxy, whoever it is.
        TrustsThePeer,
        // Deadlines and counts.
        /// Each byte of a head is a new beginning.
        StartsHeadsAnew,
        /// A head has as long as an idle connection.
        GivesHeadsTheIdleTime,
        /// A connection may be silent for ever before its first request.
        WaitsForeverForTheFirstByte,
        /// One connection more than the limit is let in.
        LetsOneMoreIn,
        /// A session that ends still counts as a connection.
        ForgetsToDiscount,
        // The step to a WebSocket.
        /// Frames that came with the request are dropped.
        DropsEarlyFrames,
        /// What HTTP had read behind the request is dropped.
        DropsWhatHttpRead,
        /// A WebSocket of another session's number is not looked up before the 101.
        AttachesUnseen,
        /// Any version of the protocol is accepted.
        AcceptsAnyVersion,
        /// A key of any length is accepted.
        AcceptsAnyKey,
        /// The client's extensions are agreed to.
        AgreesToExtensions,
        /// The request that opens a WebSocket may name two hosts.
        OpensForTwoHosts,
        // Frames.
        /// A continuation begins a message.
        ContinuesNothing,
        /// A message may begin within another.
        BeginsWithinAMessage,
        /// A frame may come without a mask.
        TakesUnmaskedFrames,
        /// The mask begins anew with each read.
        RestartsTheMask,
        /// Each fragment has the limit of a whole message.
        LimitsEachFragment,
        /// A message may have any number of fragments.
        CountsNoFragments,
        /// A character must not be cut by the end of a fragment.
        ChecksCharactersEarly,
        /// Text that is not UTF-8 is told as a protocol error.
        MistakesTheCloseCode,
        /// Any close code is answered.
        EchoesAnyCloseCode,
        /// A pong does not repeat what the ping said.
        PongsWithoutTheBody,
    }
}

/// The mistake [`EdgeBug::RepeatsHeaders`].
pub(crate) fn repeat_headers(headers: &mut HeaderMap) {
    static LAST: Mutex<Option<HeaderMap>> = Mutex::new(None);
    if !is(EdgeBug::RepeatsHeaders) {
        return;
    }
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    for (name, value) in last.iter().flatten() {
        headers.entry(name).or_insert(value.clone());
    }
    *last = Some(headers.clone());
}
