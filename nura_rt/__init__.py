"""Nura RT: a realtime conversation server for a mental-health companion.

How a typed message goes, downhill all the way:

    browser --frame--> chat/socket --> protocol/codec --> chat/session   what this client may do: effects
                                                              |
                                                    conversation/intake  the one path every turn walks
                                                              |
                                     pipeline (crisis on raw text, PII, mood: pure, microseconds)
                                                              |
                                                    conversation/writer  one statement: seq, message, crisis
                                                              |          event, reply job; COMMIT
      accepted <----------------------------------------------+
      support  <-- if somebody may be in danger, before any reply
                                                              |
                                       realtime/hub --> listeners here    each seq once, in order
                                             |
                                       realtime/bus --> Redis --> the hubs of other instances
                                                              |
                              jobs/worker --> conversation/reply --> assistant: streams, then is kept
                                                                     by the same writer, exactly once

The floors; imports only go down (import-linter keeps it):

    __main__, cli            the command line
    app                      the composition root: makes the doors over the parts
    parts                    what one instance is made of, and every task of it
    fan_out                  bus, hub and whatever reads what they missed, wired together
    stores problems          what an instance keeps things in; what went wrong in a route, as problem+json
    chat people safety privacy ops   doors: how things come in; they never import each other
    conversation             the path: intake, states, writer, replay, catch_up, earshot, reply;
                             removal, notices, reading, activity
    quality                  how good the screening is, on labelled files
    pipeline assistant notify jobs auth realtime      capabilities
    store cache embedded     what we keep, and the one-machine default
    protocol web settings telemetry            the wire: pure
    variables                the table of settings
    addresses dotenv made_once                 what settings are read with

PostgreSQL is the only truth; Redis is a doorbell. What a client missed is read by conversation/replay, what an
instance missed by conversation/catch_up; realtime/drain lets go of clients when an instance stops.

Start reading at conversation/intake.py, then conversation/writer.py and store/batch.py; chat/session.py shows the
rules of the socket, auth/sessions.py who is let in and for how long.
"""
