"""Owns the list of the lesson's steps, each with the places of the code that it shows."""

from types import MappingProxyType

# name -> places, as `source_of` takes them. The name is that of its template, its script and its texts.
STEPS = MappingProxyType({
    "push": ("chat.learn.box:Boxes.after", "chat.transport.peer:Peer.send"),
    "handshake": ("chat.protocol.handshake:check", "chat.protocol.handshake:answer", "js/learn/sha1.js:acceptOf"),
    "frame": ("chat.protocol.frames:FrameDecoder.decode", "chat.protocol.frames:encode_frame", "js/learn/frame-bits.js:frameOf"),
})  # fmt: skip
