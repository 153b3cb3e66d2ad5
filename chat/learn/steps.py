"""Owns the list of the lesson's steps, each with the places of the code that it shows."""

from types import MappingProxyType

# name -> places, as `source_of` takes them. The name is that of its template, its script and its texts.
STEPS = MappingProxyType({
    "push": ("chat.learn.box:Boxes.after", "chat.transport.peer:Peer.send"),
    "handshake": ("chat.protocol.handshake:check", "chat.protocol.handshake:answer", "js/learn/sha1.js:acceptOf"),
    "frame": (
        "chat.protocol.frames:FrameDecoder.decode", "chat.protocol.frames:encode_frame", "js/learn/frame-bits.js:frameOf",
    ),
    "client": ("js/chat-socket.js:#connect", "js/chat-socket.js:#lost", "chat.client:Client.left"),
    "people": ("chat.people.online:Online.add", "chat.people.online:Online._take_out", "chat.learn.race:ToyOnline"),
    "way": (
        "chat.transport.websocket:WebSocket.read", "chat.protocol.frames:FrameDecoder.decode",
        "chat.router:Router.dispatch", "chat.handlers:chat", "chat.storage.journal:Journal.append",
        "chat.storage.journal:Journal._commit", "chat.messages.sending:Sending._deliver", "chat.client:Client.deliver",
        "chat.transport.peer:Peer.flush",
    ),
    "wrong": (
        "js/chat-socket.js:#lost", "js/chat-socket.js:emit", "chat.storage.message_writer:MessageWriter._append_new",
        "js/models/conversation.js:append",
    ),
    "react": ("js/learn/hooks.js:knownHook", "js/learn/hooks.js:curedHook", "js/learn/tiny-react.js:TinyReact"),
    "notify": ("chat.learn.lesson:Wave", "chat.learn.lesson:Lesson._wave", "chat.notifications.notifier:Notifier.push"),
})  # fmt: skip
