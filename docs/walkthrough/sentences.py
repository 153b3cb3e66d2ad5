"""Owns what the checker of a server says, in English and in Korean, and where the real code mends what is red."""

from verdicts import Sentence

ONLINE = "chat/people/online.py: Online"
UPGRADE = "chat/web/upgrade.py: adopt"
JSON_OUT = "chat/protocol/structs.py: encode"

SERVER_CHECKS = {
    "en": [
        "a message arrives",
        "a second tab takes nobody's place",
        "nobody sends as another",
        "what is not JSON harms nobody",
        "who was away gets it later",
    ],
    "ko": [
        "메시지가 도착합니다",
        "두 번째 탭이 첫 번째 탭의 자리를 빼앗지 않습니다",
        "다른 사람인 척 보낼 수 없습니다",
        "JSON이 아닌 것이 와도 아무도 피해를 보지 않습니다",
        "자리를 비웠던 사람은 나중에 받습니다",
    ],
}

# Before any check: no socket, or none that lives.
NO_SOCKET = {
    "refused": Sentence(
        "app.py: main",
        "Nobody listens at {address}. Is the server running? Look into its terminal: is the port the same?",
        "{address}에서 기다리는 서버가 없습니다. 서버를 켰나요? 서버의 터미널에 나온 포트 번호와 같은지도 보세요.",
    ),
    "no_host": Sentence(
        "app.py: main",
        "{address} cannot be reached: {got}. Is the name right, and is the machine on the same network?",
        "{address}에 접속할 수 없습니다: {got}. 주소가 맞나요? 그 컴퓨터와 같은 네트워크에 있나요?",
    ),
    "silent": Sentence(
        "chat/protocol/handshake.py: answer",
        "The server took the connection and did not answer the handshake within {seconds} seconds.",
        "서버가 연결은 받았지만 {seconds}초 안에 핸드셰이크에 응답하지 않았습니다.",
    ),
    "no_path": Sentence(
        UPGRADE,
        "The server runs, but nothing is there: it answered 404. Is the path right? Compare it with the server's route.",
        "서버는 켜져 있지만 이 경로에는 아무것도 없습니다(404). 경로가 맞나요? 서버의 라우트와 비교해 보세요.",
    ),
    "airplay": Sentence(
        "app.py: main",
        "It is not your server that answered, but the Mac's AirPlay receiver, which has port 5000 too. Switch it off in "
        "the system settings (AirDrop & Handoff), or take port 5001.",
        "응답한 것은 여러분의 서버가 아니라 맥의 AirPlay 수신기입니다. 이것도 5000번 포트를 씁니다. 시스템 설정(AirDrop 및 "
        "Handoff)에서 끄거나, 서버의 포트를 5001로 바꾸세요.",
    ),
    "status": Sentence(
        UPGRADE,
        "The server answered the handshake with {got} instead of 101. Is this the path of the socket, and not of the page?",
        "서버가 핸드셰이크에 101이 아닌 상태 코드({got})로 응답했습니다. 페이지가 아니라 소켓의 경로가 맞나요?",
    ),
    "no_http": Sentence(
        "chat/protocol/handshake.py: answer",
        "What answered there does not speak WebSocket: {got}.",
        "그곳에 있는 프로그램은 WebSocket을 할 줄 모릅니다: {got}.",
    ),
    "closed_at_once": Sentence(
        UPGRADE,
        "The server opened the socket and closed it at once (code {code}). Does its function wait in a loop, "
        "while True: ws.receive()? When it returns, the socket is closed. If there was an exception, it stands in its terminal.",
        "서버가 소켓을 열자마자 닫았습니다(코드 {code}). 함수 안에서 while True: ws.receive()로 기다리나요? 함수가 끝나면 "
        "소켓도 닫힙니다. 예외가 났다면 서버의 터미널에 나와 있습니다.",
    ),
    "sign_in": Sentence(
        "chat/login.py: enter",
        "This server wants everybody to sign in (code {code}). Judge one that takes any name: without CHAT_AUTH=required.",
        "이 서버는 로그인해야 쓸 수 있습니다(코드 {code}). CHAT_AUTH=required 없이 켠 서버를 검사하세요.",
    ),
    "closed": Sentence(
        "chat/router.py: Router.dispatch",
        "The server closed {who}'s connection in the middle (code {code}). Is there an exception in its terminal?",
        "서버가 도중에 {who}의 연결을 닫았습니다(코드 {code}). 서버의 터미널에 예외가 나와 있나요?",
    ),
}

MESSAGES = {
    "nothing": Sentence(
        f"{ONLINE}.of",
        "{who} wrote to {to}, and nothing came. Does the server keep each user's socket at init, and look it up by toUserId?",
        "{who}의 메시지가 {to}에게 오지 않았습니다. 서버가 init에서 사용자의 소켓을 저장하고, toUserId로 그 소켓을 찾나요?",
    ),
    "echo": Sentence(
        f"{ONLINE}.of",
        "{who}'s message came back to {who}, and not to {to}. The server answers on the socket that it came from; look up "
        "the receiver's.",
        "{who}의 메시지가 {to}에게 가지 않고 {who}에게 되돌아왔습니다. 메시지가 온 소켓으로 다시 보내지 말고, 받을 사람의 소켓을 찾으세요.",
    ),
    "echo_too": Sentence(
        "chat/handlers.py: send",
        "{to} got {who}'s message, and {who} got it as well: on the page it stands twice. Leave out the socket that it came from.",
        "{who}의 메시지가 {to}에게 왔지만 {who}에게도 되돌아왔습니다. 페이지에 두 번 나옵니다. 메시지를 보낸 소켓은 빼고 보내세요.",
    ),
    "everybody": Sentence(
        f"{ONLINE}.of",
        "{who} wrote to {to} alone, and {other} got it too. Send it to the sockets of toUserId only.",
        "{to}에게만 보낸 {who}의 메시지를 {other}도 받았습니다. toUserId의 소켓에만 보내세요.",
    ),
    "not_text": Sentence(
        JSON_OUT,
        "What came to {who} was binary: {got}. Send text: json.dumps gives a str, do not encode it.",
        "{who}에게 텍스트가 아니라 바이너리가 왔습니다: {got}. json.dumps가 만든 문자열을 encode하지 말고 그대로 보내세요.",
    ),
    "not_json": Sentence(
        JSON_OUT,
        "What came to {who} is no JSON object: {got}. Write json.dumps(event), and not str(event) or the message alone.",
        "{who}에게 온 것은 JSON 객체가 아닙니다: {got}. str(event)나 메시지만 보내지 말고 json.dumps(event)를 보내세요.",
    ),
    "wrong_event": Sentence(
        "chat/protocol/structs.py: ChatMessage",
        "What came to {to} is {got}. It must hold type chat, fromUserId and message, each a text.",
        "{to}에게 온 것은 {got}입니다. type은 chat이어야 하고, fromUserId와 message가 문자열로 있어야 합니다.",
    ),
}

TABS = {
    "tab_replaced": Sentence(
        f"{ONLINE}.add",
        "Bob has two tabs, and the message came to the second alone: it took the first one's place. Keep a set of sockets "
        "for each user, not one.",
        "bob의 탭은 둘인데 메시지는 두 번째 탭에만 왔습니다. 두 번째 탭이 첫 번째 탭의 자리를 빼앗았습니다. 사용자마다 소켓 "
        "하나가 아니라 소켓의 집합을 두세요.",
    ),
    "tab_deaf": Sentence(
        f"{ONLINE}.add",
        "Bob has two tabs, and the message came to the first alone. Add the second one's socket to the first one's.",
        "bob의 탭은 둘인데 메시지는 첫 번째 탭에만 왔습니다. 두 번째 탭의 소켓도 추가하세요.",
    ),
    "tabs_gone": Sentence(
        f"{ONLINE}.remove",
        "Bob closed one tab, and the other got nothing any more: closing one took out both. Take out that socket alone.",
        "bob이 탭 하나를 닫자 다른 탭에도 메시지가 오지 않습니다. 하나를 닫을 때 둘 다 제거되었습니다. 닫힌 소켓 하나만 제거하세요.",
    ),
    "sender_hurt": Sentence(
        "chat/client.py: Client.left",
        "Bob closed a tab, and then alice's connection broke when she wrote to him (code {code}): the server sent to the "
        "closed socket. Take it out when it closes, and catch the exception of send.",
        "bob이 탭을 닫은 뒤 alice가 메시지를 보내자 alice의 연결이 끊겼습니다(코드 {code}). 서버가 닫힌 소켓에 보냈기 "
        "때문입니다. 소켓이 닫힐 때 제거하고, send의 예외를 잡으세요.",
    ),
}

NAMES = {
    "forged": Sentence(
        "chat/handlers.py: chat",
        "Alice wrote fromUserId teacher, and bob got it as the teacher's. Do not believe the field: the server knows from "
        "init who speaks on this socket.",
        "alice가 fromUserId에 teacher라고 쓰자 bob은 선생님의 메시지로 받았습니다. 이 필드를 믿지 마세요. 이 소켓이 누구의 "
        "것인지는 서버가 init에서 알았습니다.",
    ),
    "nameless": Sentence(
        "chat/router.py: Router.dispatch",
        "A socket that had not said who it is (no init) wrote as the teacher, and bob got it. Take nothing from it before init.",
        "누구인지 알리지 않은(init을 보내지 않은) 소켓이 teacher라고 쓰자 bob이 그대로 받았습니다. init 전에는 아무것도 받아들이지 마세요.",
    ),
}

JSON_IN = {
    "own_hurt": Sentence(
        "chat/protocol/validation.py: Decoder.decode",
        "Mallory sent {got}, and her own connection broke. Catch the exception, answer with an error, and go on: a mistake "
        "costs an answer, not the connection.",
        "mallory가 보낸 {got} 때문에 mallory의 연결이 끊겼습니다. 예외를 잡아 error로 응답하고 계속하세요. 실수했다고 연결까지 "
        "끊을 필요는 없습니다.",
    ),
    "own_deaf": Sentence(
        "chat/router.py: Router.dispatch",
        "After {got}, what mallory writes does not arrive any more, though her connection is open. Go on with the loop after a mistake.",
        "{got} 다음부터 mallory의 메시지가 도착하지 않습니다. 연결은 열려 있습니다. 실수가 있어도 반복문을 계속하세요.",
    ),
    "all_hurt": Sentence(
        "chat/router.py: Router.dispatch",
        "Mallory sent {got}, and then alice's messages did not arrive either: it stopped everybody's chat. An exception of "
        "one socket must end in that socket's function.",
        "mallory가 보낸 {got} 뒤로는 alice의 메시지도 도착하지 않습니다. 모두의 채팅이 멈췄습니다. 소켓 하나의 예외는 그 "
        "소켓의 함수 안에서 끝나야 합니다.",
    ),
}

AWAY = {
    "lost": Sentence(
        "chat/storage/journal.py: Journal.append",
        "Alice wrote to bob while he was away, and when he came back nothing came: it is lost. Keep what nobody could take, "
        "and send it at the next init. (The real code finds it again in chat/messages/missed.py.)",
        "bob이 없을 때 alice가 보낸 메시지가, bob이 돌아와도 오지 않습니다. 사라졌습니다. 전하지 못한 메시지는 보관했다가 다음 "
        "init 때 보내세요. (실제 코드에서는 chat/messages/missed.py가 다시 찾아 줍니다.)",
    ),
    "one_lost": Sentence(
        "chat/messages/missed.py: Missed.older",
        "Alice wrote two messages to bob while he was away, and only one came when he was back. Keep a list for each user.",
        "bob이 없을 때 alice가 두 번 보냈는데, 돌아온 bob에게는 하나만 왔습니다. 사용자마다 목록을 두세요.",
    ),
    "turned_round": Sentence(
        "chat/messages/missed.py: Missed.older",
        "Bob came back and got both messages, the later one first. Send them in the order in which they were written.",
        "돌아온 bob이 두 메시지를 모두 받았지만 나중 것이 먼저 왔습니다. 메시지를 쓴 순서대로 보내세요.",
    ),
    "again": Sentence(
        "chat/messages/missed.py: Missed.proven",
        "Bob had got his messages, left and came back: he got them again. Forget what was delivered, or number it (seq), so "
        "that a client can tell.",
        "bob이 메시지를 받고 나갔다가 다시 들어오자 같은 메시지가 또 왔습니다. 전한 것은 지우세요. 아니면 번호(seq)를 붙여 "
        "클라이언트가 알아볼 수 있게 하세요.",
    ),
}

SENTENCES = {**NO_SOCKET, **MESSAGES, **TABS, **NAMES, **JSON_IN, **AWAY}
