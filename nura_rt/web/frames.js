/** The shapes that the client hands on; types only. The server's own list is its AsyncAPI document. */

/** @typedef {Record<string, any> & {type: string}} Frame */
/** @typedef {import("./link.js").LinkState} LinkState */
/** @typedef {import("./api.js").Message} Message */
/** @typedef {import("./api.js").Conversation} Conversation */
/** @typedef {import("./api.js").Resource} Resource */
/** @typedef {import("./api.js").CrisisLevel} CrisisLevel */
/** @typedef {{run_id: string, conversation_id: string, reply_to: string}} ReplyStarted */
/** @typedef {{run_id: string, conversation_id: string, n: number, at: number, text: string}} ReplyDelta `at` counts code points */
/** @typedef {{run_id: string, conversation_id: string, reason: "completed"|"failed"|"cancelled", message_id?: string, seq?: number}} ReplyEnded */
/** @typedef {{notice_id: string, conversation_id: string|null, level: CrisisLevel, text: string, resources: Resource[]}} SupportNotice */
/**
 * What `on` can hear; frames are handed on as the server sent them. `welcome`: after each connect, read what has
 * no seq again; after `doubt` too. `joined` with fresh: read the history over REST. `unavailable`: not found, or not this person's.
 * @typedef {{
 *   "state": LinkState,
 *   "welcome": Frame,
 *   "joined": {conversation_id: string, head: number, fresh: boolean, read_seq: number},
 *   "message": Message,
 *   "message.removed": {conversation_id: string, seq: number, removed_seq: number},
 *   "reply.started": ReplyStarted,
 *   "reply.delta": ReplyDelta,
 *   "reply.ended": ReplyEnded,
 *   "support": SupportNotice,
 *   "read": {conversation_id: string, seq: number},
 *   "typing": {conversation_id: string, user_id: string, on: boolean},
 *   "presence": {user_id: string, connections: number},
 *   "history.trimmed": {conversation_id: string, seq: number, before_seq: number},
 *   "conversation.changed": {conversation: Conversation},
 *   "conversation.removed": {conversation_id: string},
 *   "doubt": Frame,
 *   "created": {create_id: string, conversation_id: string},
 *   "accepted": {client_id: string, conversation_id: string, seq: number, committed_at: string, duplicate: boolean},
 *   "refused": {client_id: string, code: string},
 *   "unavailable": {conversation_id: string, code: string},
 * }} ClientEvents
 */

export {};
