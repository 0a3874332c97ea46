// nura.v1.1: the frames of GET /v1/socket; docs/protocol.md explains them.
// Ignore frames and fields you do not know. Send what came with a minor only to a server that has it:
// `welcome.protocol` says so. Made by `make protocol`.

/** Everything the client sends, told apart by `type`. */
export type ClientFrame =
  | ClientHello
  | ClientAuthRefresh
  | ClientSubscribe
  | ClientUnsubscribe
  | ClientConversationCreate
  | ClientMessageSend
  | ClientTyping
  | ClientRead
  | ClientNoticeAck
  | ClientPing;

/** Everything the server sends, told apart by `type`. */
export type ServerFrame =
  | ServerWelcome
  | ServerAuthExpiring
  | ServerAuthRefreshed
  | ServerSubscribed
  | ServerUnsubscribed
  | ServerConversationCreated
  | ServerConversationChanged
  | ServerConversationRemoved
  | ServerAccepted
  | ServerMessage
  | ServerMessageRemoved
  | ServerHistoryTrimmed
  | ServerGap
  | ServerTyping
  | ServerRead
  | ServerPresence
  | ServerReplyStarted
  | ServerReplyDelta
  | ServerReplyEnded
  | ServerSupport
  | ServerHeartbeat
  | ServerDraining
  | ServerPong
  | ServerError;

/** Client -> server: the first frame, within 5 s. Carries the token, so that no URL has to. */
export interface ClientHello {
  type: "hello";
  token: string;
  /** a name the person may recognise in the list of their sessions */
  device?: string | null;
  /**
   * since minor 1: each is joined as by `subscribe` with `since`; the answers' ref is the channel's name
   * @since minor 1
   */
  resume?: Array<Resumed>;
}

/** Client -> server: a newer token of the same person, before the old one ends the socket. */
export interface ClientAuthRefresh {
  type: "auth.refresh";
  token: string;
  ref?: string | null;
}

/** Client -> server: join a channel; with `since`, first replay what has a higher seq. */
export interface ClientSubscribe {
  type: "subscribe";
  ref: string;
  channel: string;
  since?: number | null;
}

/** Client -> server: leave a channel. */
export interface ClientUnsubscribe {
  type: "unsubscribe";
  ref: string;
  channel: string;
}

/** Client -> server: open a conversation; the same `client_id` again names the same one. */
export interface ClientConversationCreate {
  type: "conversation.create";
  ref: string;
  client_id: string;
  title?: string | null;
}

/** Client -> server: the person typed something. */
export interface ClientMessageSend {
  type: "message.send";
  /** echoed in `accepted`, so the client can settle its optimistic bubble */
  ref: string;
  conversation_id: string;
  /** chosen once per message: a retry with it is the same message */
  client_id: string;
  text: string;
}

/**
 * Client -> server, since minor 1: the person types in a conversation this socket follows, or stopped.
 * @since minor 1
 */
export interface ClientTyping {
  type: "typing";
  conversation_id: string;
  on: boolean;
}

/** Client -> server, since minor 1: the person has seen everything up to `seq`. Only grows. @since minor 1 */
export interface ClientRead {
  type: "read";
  conversation_id: string;
  seq: number;
}

/**
 * Client -> server, since minor 1: the person has taken note; the notice does not come again.
 * @since minor 1
 */
export interface ClientNoticeAck {
  type: "notice.ack";
  notice_id: string;
}

/** Client -> server: is this socket alive? JavaScript cannot see WebSocket pings. */
export interface ClientPing {
  type: "ping";
  /** the client's clock, echoed */
  t: number;
}

/** Server -> client: the token is good; the session begins. */
export interface ServerWelcome {
  type: "welcome";
  connection_id: string;
  user_id: string;
  instance: string;
  /** a client that hears nothing for this long should ping */
  heartbeat_s: number;
  limits: PublicLimits;
  server_time: string;
  protocol: Version;
}

/**
 * Server -> client: the token ends soon; send `auth.refresh`, or the socket closes 4401 half a minute later.
 */
export interface ServerAuthExpiring {
  type: "auth.expiring";
  expires_at: string;
}

/** Server -> client: the newer token counts from here on. */
export interface ServerAuthRefreshed {
  type: "auth.refreshed";
  expires_at: string;
  ref?: string;
}

/** Server -> client: joined. Missed messages follow at once, then live ones. */
export interface ServerSubscribed {
  type: "subscribed";
  ref: string;
  channel: string;
  /** the channel's highest seq when it was read */
  head: number;
  /** false: more was missed than one replay holds; page the rest over REST */
  recovered: boolean;
  /** the lowest seq that was not trimmed away @since minor 1 */
  tail?: number;
  /** how far the person has read @since minor 1 */
  read_seq?: number;
}

/** Server -> client: left. */
export interface ServerUnsubscribed {
  type: "unsubscribed";
  ref: string;
}

/** Server -> client: the conversation exists; `duplicate` when this client_id had made it before. */
export interface ServerConversationCreated {
  type: "conversation.created";
  ref: string;
  conversation_id: string;
  created_at: string;
  duplicate: boolean;
}

/** Server -> client, on user:{id}: the list has a new or changed line. */
export interface ServerConversationChanged {
  type: "conversation.changed";
  conversation: Conversation;
}

/** Server -> client, on user:{id}: deleted, with all its messages; its subscriptions are over. */
export interface ServerConversationRemoved {
  type: "conversation.removed";
  conversation_id: string;
}

/** Server -> sender: committed to PostgreSQL, with everything that follows from it. */
export interface ServerAccepted {
  type: "accepted";
  ref: string;
  message_id: string;
  conversation_id: string;
  seq: number;
  committed_at: string;
  duplicate: boolean;
}

/** Server -> client: a stored turn, in the order of its conversation. */
export interface ServerMessage {
  type: "message";
  conversation_id: string;
  seq: number;
  message_id: string;
  role: "assistant" | "system" | "user";
  text: string;
  created_at: string;
  /** lets the sender's other tabs and its retry recognise it */
  client_id?: string;
  reply_to?: string;
  author?: string;
}

/**
 * Server -> client: `removed_seq` was taken away; this is an entry of its own in the same order.
 * @since minor 1
 */
export interface ServerMessageRemoved {
  type: "message.removed";
  conversation_id: string;
  seq: number;
  removed_seq: number;
}

/**
 * Server -> client: everything below `before_seq` went at once; on user:{id} too, there without order.
 * @since minor 1
 */
export interface ServerHistoryTrimmed {
  type: "history.trimmed";
  conversation_id: string;
  seq: number;
  before_seq: number;
}

/** Server -> client: the seqs `from` to `to` will never come; what follows them does. @since minor 1 */
export interface ServerGap {
  type: "gap";
  channel: string;
  from: number;
  to: number;
  /** lost: read the history over REST */
  reason: "lost" | "removed" | "trimmed";
}

/**
 * Server -> client: somebody else in this conversation types, or stopped; forget it after 6 s.
 * @since minor 1
 */
export interface ServerTyping {
  type: "typing";
  conversation_id: string;
  user_id: string;
  on: boolean;
}

/**
 * Server -> client, on user:{id}: a device of this person has read so far; a lower one is old news.
 * @since minor 1
 */
export interface ServerRead {
  type: "read";
  conversation_id: string;
  seq: number;
}

/** Server -> client, on user:{id}: how many sockets this person has open, on all instances. @since minor 1 */
export interface ServerPresence {
  type: "presence";
  user_id: string;
  connections: number;
}

/** Server -> client: a reply is being written. The same run_id again means: begin anew. */
export interface ServerReplyStarted {
  type: "reply.started";
  run_id: string;
  conversation_id: string;
  reply_to: string;
}

/** Server -> client: more of a reply. `at` is its place in code points, `n` counts the deltas. */
export interface ServerReplyDelta {
  type: "reply.delta";
  run_id: string;
  conversation_id: string;
  n: number;
  at: number;
  text: string;
}

/** Server -> client: the run is over; when completed, its message has this id and seq. */
export interface ServerReplyEnded {
  type: "reply.ended";
  run_id: string;
  conversation_id: string;
  reason: "cancelled" | "completed" | "failed";
  message_id?: string;
  seq?: number;
}

/** Server -> client, on user:{id}: help that is there now. Precedes the reply. */
export interface ServerSupport {
  type: "support";
  notice_id: string;
  /** none: the words stood in the person's profile */
  conversation_id: string | null;
  level: string;
  text: string;
  resources: Array<Resource>;
}

/**
 * Server -> client, each `heartbeat_s`: alive. `heads` as in `pong`, for clients that never ping.
 * @since minor 1
 */
export interface ServerHeartbeat {
  type: "heartbeat";
  heads: Record<string, number>;
}

/**
 * Server -> client: this instance stops. It closes 4000 in about so long; come back then, not at once.
 * @since minor 1
 */
export interface ServerDraining {
  type: "draining";
  reconnect_after_ms: number;
}

/** Server -> client: alive. `heads` (channel -> highest seq delivered) shows a lost last message. */
export interface ServerPong {
  type: "pong";
  t: number;
  heads: Record<string, number>;
}

/** Server -> client: a frame was not carried out. `temporary`: the same frame may succeed later. */
export interface ServerError {
  type: "error";
  /** one of protocol.errors.Code */
  code: ErrorCode | (string & {});
  message: string;
  temporary: boolean;
  ref?: string;
  field?: string;
  rule?: string;
  retry_after_ms?: number;
}

/** One line of the conversation list, over REST and in `conversation.changed`. */
export interface Conversation {
  conversation_id: string;
  title: string | null;
  status: string;
  crisis_level: string;
  head: number;
  message_count: number;
  created_at: string;
  last_message_at: string | null;
  updated_at: string;
  description: string | null;
  session_type: string;
  /** how far its owner has read */
  read_seq: number;
  total_duration_minutes: number;
}

/** What a client should not exceed; bytes and characters. */
export interface PublicLimits {
  frame_bytes: number;
  text_chars: number;
  unacked: number;
  subscriptions: number;
}

/** A place that helps: a number to call or text, or a page. */
export interface Resource {
  name: string;
  call?: string;
  text?: string;
  url?: string;
  note?: string;
}

/** A channel as the client left it: it has everything up to `seq`. */
export interface Resumed {
  channel: string;
  seq: number;
}

/** The protocol spoken: a minor adds frames or fields, a major breaks. */
export interface Version {
  major: number;
  minor: number;
}

/** What an `error` says went wrong. More may come: go by `temporary`. */
export type ErrorCode =
  /** not one JSON object in UTF-8 */
  | "bad_frame"
  /** `type` is not one this server knows */
  | "unknown_type"
  /** `field` breaks `rule` */
  | "invalid"
  /** the token of an `auth.refresh` is not good, or no `hello` came in time */
  | "unauthorized"
  /** no such conversation of yours; another person's looks exactly the same */
  | "not_found"
  /** the text is longer than `welcome.limits.text_chars` */
  | "too_long"
  /** too many sends, or too many other frames; see `retry_after_ms` */
  | "too_fast"
  /** not kept: too much at once; see `retry_after_ms` */
  | "busy"
  /** not kept: the database does not answer; see `retry_after_ms` */
  | "degraded";

/** Why the server closed the socket. 4000-4499: reconnect. 4500-4999: do not. */
export type CloseCode =
  /** draining: this server stops; come back after `draining.reconnect_after_ms` @since minor 1 */
  | 4000
  /** internal: something failed here */
  | 4011
  /** token_expired: get a newer token first */
  | 4401
  /** sign_in_unavailable: the database, or the keys of who signs tokens, cannot be reached */
  | 4402
  /** no_hello: no `hello` within 5 s */
  | 4403
  /** slow: more was waiting for you than the server keeps; resume */
  | 4408
  /** too_fast: too much at once on one socket */
  | 4429
  /** bad_hello: the first frame was not a good `hello` */
  | 4500
  /** bad_token: the token is not good */
  | 4501
  /** protocol_violation: a binary frame, a second `hello`, or more than 20 bad frames */
  | 4502
  /** frame_too_large: over `welcome.limits.frame_bytes`, or over 4 KiB before `welcome` */
  | 4504
  /** another_person: an `auth.refresh` with another person's token */
  | 4505
  /** displaced: the person opened too many sockets, and this was the oldest @since minor 1 */
  | 4507
  /** revoked: the session was ended: sign in again */
  | 4509
  /** account_erased: the account is deactivated or deleted */
  | 4510;
