// What a conversation asks of a connection.
//
// A link reconnects by itself until it is replaced. It never sends anything of its own accord again: what was sent
// and not answered is the conversation's business.
export {};
