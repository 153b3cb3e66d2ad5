"""Owns what the checker of a page says, in English and in Korean, and where our own page mends what is red."""

from verdicts import Sentence

CLIENT_CHECKS = {
    "en": [
        "it says who it is",
        "it shows what comes, as text",
        "it sends",
        "it ignores what it does not know",
        "it comes back after a lost connection",
    ],
    "ko": [
        "누구인지 알립니다",
        "온 메시지를 글자 그대로 보여 줍니다",
        "메시지를 보냅니다",
        "모르는 이벤트는 무시합니다",
        "연결이 끊기면 다시 연결합니다",
    ],
}

SENTENCES = {
    "no_page_socket": Sentence(
        "static/js/chat-socket.js: #connect",
        "The page opened no socket here within {seconds} seconds. Press its button. If that loads the page anew, the form lacks preventDefault; else read the browser's console (F12).",
        "{seconds}초 동안 페이지가 소켓을 열지 않았습니다. 페이지의 버튼을 누르세요. 페이지가 새로 고쳐지면 form에 preventDefault가 빠진 것입니다. 아니면 브라우저의 콘솔(F12)을 보세요.",
    ),
    "fixed_address": Sentence(
        "static/js/chat-socket.js: #connect",
        "The page opened no socket here within {seconds} seconds. The file names the address {got}: take it from where the page "
        'came from, location.origin.replace("http", "ws") + "/ws".',
        "{seconds}초 동안 페이지가 소켓을 열지 않았습니다. 파일에 적힌 주소: {got}. 페이지를 받은 곳에서 주소를 "
        '만드세요: location.origin.replace("http", "ws") + "/ws".',
    ),
    "no_init": Sentence(
        "static/js/chat-socket.js: #connect",
        "The page opened a socket and said nothing. Send init in onopen: before that the socket is not open.",
        "페이지가 소켓을 열고 아무것도 보내지 않았습니다. onopen에서 init을 보내세요. 그 전에는 소켓이 아직 열리지 않았습니다.",
    ),
    "wrong_init": Sentence(
        "chat/protocol/structs.py: Init",
        'The first event must be {{"type": "init", "userId": "..."}}; the page sent {got}. Is it JSON.stringify of an object?',
        '첫 이벤트는 {{"type": "init", "userId": "..."}}이어야 하는데 다음과 같이 왔습니다: {got}. 객체를 JSON.stringify했나요?',
    ),
    "not_shown": Sentence(
        "static/js/chat-socket.js: #receive",
        "A chat came to the page, and its message is not to be seen there. Does onmessage take event.data, and JSON.parse it?",
        "chat이 왔는데 페이지에 메시지가 보이지 않습니다. onmessage에서 event.data를 꺼내 JSON.parse하나요?",
    ),
    "made_html": Sentence(
        "static/js/elements/message-row.js: newRow",
        "The page made HTML of a message: whoever writes <script> runs it in the reader's browser. Use textContent.",
        "페이지가 메시지를 HTML로 만들었습니다. 누군가 메시지에 <script>를 쓰면 읽는 사람의 브라우저에서 실행됩니다. textContent를 쓰세요.",
    ),
    "not_sent": Sentence(
        "static/js/chat-socket.js: emit",
        "No chat came from the page within {seconds} seconds. Write to teacher in it, and send.",
        "{seconds}초 동안 페이지에서 chat이 오지 않았습니다. 페이지에서 teacher에게 메시지를 써서 보내세요.",
    ),
    "wrong_chat": Sentence(
        "chat/protocol/structs.py: Chat",
        'The page sent {got}. It must be {{"type": "chat", "toUserId": "...", "message": "..."}}, each a text.',
        '페이지가 보낸 것은 {got}입니다. {{"type": "chat", "toUserId": "...", "message": "..."}}처럼 모두 문자열이어야 합니다.',
    ),
    "stopped": Sentence(
        "static/js/chat-socket.js: #receive",
        "After an event that the page does not know, it does not show the next chat. Pass over every other type.",
        "페이지가 모르는 이벤트가 온 뒤로 다음 chat이 보이지 않습니다. 모르는 type은 무시하세요.",
    ),
    "shown_undefined": Sentence(
        "static/js/chat-socket.js: #receive",
        "The page shows “undefined” for an event that it does not know. Ask for event.type first.",
        "페이지가 모르는 이벤트를 “undefined”로 보여 줍니다. event.type부터 확인하세요.",
    ),
    "gone": Sentence(
        "static/js/chat-socket.js: #lost",
        "The connection was lost, and the page opened no new one within {seconds} seconds. Open it again in onclose, after a moment.",
        "연결이 끊긴 뒤 {seconds}초 동안 페이지가 다시 연결하지 않았습니다. onclose에서 잠시 기다렸다가 다시 여세요.",
    ),
    "hung_up": Sentence(
        "static/js/chat-socket.js: #receive",
        "The page closed its socket after what came before. Read its console (F12): an exception?",
        "앞의 이벤트를 받은 뒤 페이지가 소켓을 닫았습니다. 브라우저의 콘솔(F12)에 예외가 있나요?",
    ),
}
