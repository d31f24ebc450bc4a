//! Planted bugs of the pages and of the health: the tests must notice each of these (`cargo xtask planted`).

planted::planted_by_name! {
    /// A mistake that somebody could make.
    pub enum EdgeBug {
        /// The server says that it is ready, whatever its state.
        IsAlwaysHealthy,
        /// A cache may keep the answer about the health.
        LetsHealthBeStored,
        /// The health is told to every method.
        TellsHealthToAll,
        /// Hidden files are served through links.
        ServesHiddenFiles,
        /// Links may lead out of the folder.
        FollowsLinksOut,
        /// Anything that has a name is opened.
        OpensPipes,
        /// Every site may frame somebody's own pages.
        LetsAllFrame,
        /// Only pages that are found have a policy.
        SendsNoPolicyWithErrors,
        /// The page is kept as long as its scripts.
        KeepsThePageForever,
        /// The answer to a wrong method does not name the right ones.
        NamesNoMethods,
        /// A client that asks for no coding gets one.
        CompressesPagesUnasked,
        /// A coding that is refused is sent.
        SendsRefusedCodings,
        /// A weak tag is never known.
        ForgetsWeakPageTags,
    }
}
