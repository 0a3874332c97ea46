/**
 * A laboratory for client.js: sockets whose other end a test plays. Evaluated in a page of the product's origin.
 * `lab.client` is the client, `lab.socket` its newest socket, `lab.heard` what it handed on, `lab.sent()` what was said.
 */
async ({ token }) => {
  const { RealtimeClient } = await import("/assets/client.js");
  const lab = (window.lab = { heard: [], socket: null, client: null });

  class Played {
    static CONNECTING = 0;
    readyState = 0;
    protocol = "";
    said = [];

    constructor(url, offered) {
      this.offered = offered;
      lab.socket = this;
    }

    send(text) {
      this.said.push(text);
    }

    close() {}

    open(protocol) {
      this.readyState = 1;
      this.protocol = protocol;
      this.onopen();
    }

    hear(...frames) {
      for (const frame of frames) this.onmessage({ data: JSON.stringify(frame) });
    }
  }

  window.WebSocket = Played;
  lab.client = new RealtimeClient({ url: "ws://nowhere", userId: "ada", token: () => token });
  for (const type of ["joined", "message", "message.removed", "history.trimmed", "unavailable", "doubt"]) {
    lab.client.on(type, (value) => lab.heard.push([type, value.seq ?? value.head ?? 0]));
  }
  lab.sent = (type) => lab.socket.said.map((text) => JSON.parse(text)).filter((frame) => !type || frame.type === type);

  /** Every waiting promise goes on. */
  const settle = () => new Promise((done) => setTimeout(done));

  lab.start = async () => {
    lab.client.start();
    await settle();
  };

  /** The newest socket is let in by a server of this minor. */
  lab.welcome = (minor) => {
    lab.socket.open(minor ? "nura.v1.1" : "nura.v1");
    lab.socket.hear({ type: "welcome", heartbeat_s: 20, protocol: { major: 1, minor } });
  };

  /** The line breaks, and the client tries again at once. */
  lab.break = async () => {
    lab.socket.onclose({ code: 1006 });
    dispatchEvent(new Event("pageshow"));
    await settle();
  };

  /** Answers what was last asked about this conversation. */
  lab.subscribed = (id, head, more = {}) => {
    const channel = `conversation:${id}`;
    const asked = lab.sent("subscribe").findLast((frame) => frame.channel === channel);
    lab.socket.hear({ type: "subscribed", ref: asked?.ref ?? channel, channel, head, recovered: true, ...more });
  };

  lab.message = (id, seq) => lab.socket.hear({ type: "message", conversation_id: id, seq, role: "user", text: String(seq) });
}
