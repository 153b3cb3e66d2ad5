// @ts-check
/**
 * Owns every sentence of the page, in every language it speaks. Leaves choosing the language to language.js.
 * {braces} are filled in. Korean sentences put names where no particle depends on their last sound.
 */

export const texts = {
  "app.name": {en: "Chat", ko: "채팅"},
  "app.title": {en: "({count}) Chat", ko: "({count}) 채팅"},
  "language": {en: "Language", ko: "언어"},

  "signin.heading": {en: "Who are you?", ko: "이름을 알려 주세요"},
  "signin.hint": {en: "Others write to you by this name.", ko: "이 이름으로 메시지를 주고받습니다."},
  "signin.name": {en: "Your name", ko: "내 이름"},
  "signin.submit": {en: "Start chatting", ko: "채팅 시작"},
  "signout": {en: "Sign out", ko: "로그아웃"},

  "name.blank": {en: "Please enter a name.", ko: "이름을 입력해 주세요."},
  "name.long": {en: "A name has at most 64 characters.", ko: "이름은 64자까지 쓸 수 있습니다."},
  "name.sign": {en: "This name contains a character that cannot be used.", ko: "이름에 쓸 수 없는 문자가 있습니다."},
  "name.space": {en: "A name has no spaces. Use . _ or - instead.", ko: "이름에는 띄어쓰기를 쓸 수 없습니다. 대신 . _ -를 써 주세요."},
  "name.other": {en: "A name has letters, digits and . _ - @ only.", ko: "이름에는 글자, 숫자와 . _ - @만 쓸 수 있습니다."},
  "name.mixed": {en: "A name does not mix Latin letters with Cyrillic or Greek ones.", ko: "라틴 문자를 키릴 문자나 그리스 문자와 섞어 쓸 수 없습니다."},
  "name.self": {en: "That is your own name.", ko: "내 이름입니다. 다른 사람의 이름을 입력해 주세요."},

  "list.label": {en: "Conversations", ko: "대화 목록"},
  "list.new": {en: "Write to someone…", ko: "대화 상대의 이름"},
  "list.newName": {en: "Name of the other person", ko: "상대방 이름"},
  "list.start": {en: "Start conversation", ko: "대화 시작"},
  "list.empty": {en: "No conversations yet. Enter a name above to begin one.", ko: "아직 대화가 없습니다. 위에 이름을 입력하고 대화를 시작해 보세요."},
  "list.unread": {en: "{count} unread", ko: "읽지 않은 메시지 {count}개"},
  "list.mine": {en: "You: {text}", ko: "나: {text}"},
  "list.noMessage": {en: "No messages yet", ko: "아직 메시지가 없습니다"},

  "conversation.none": {en: "Pick a conversation, or start a new one.", ko: "대화를 선택하거나 새로 시작해 보세요."},
  "conversation.beginning": {en: "The conversation begins here.", ko: "대화의 시작입니다."},
  "conversation.loading": {en: "Loading…", ko: "불러오는 중…"},
  "conversation.earlier": {en: "Load earlier messages", ko: "이전 메시지 불러오기"},
  "conversation.start": {en: "Say hello!", ko: "먼저 인사를 건네 보세요!"},
  "conversation.back": {en: "Back to the list", ko: "목록으로"},
  "conversation.messages": {en: "Messages", ko: "메시지"},
  "conversation.newMessages": {en: "New messages", ko: "새 메시지"},
  "conversation.typing": {en: "typing…", ko: "입력 중…"},
  "conversation.heard": {en: "{name} says: {text}", ko: "{name} 님의 메시지: {text}"},

  "composer.label": {en: "Write a message", ko: "메시지를 입력하세요"},
  "composer.send": {en: "Send", ko: "보내기"},

  "message.mine": {en: "You", ko: "나"},
  "message.waiting": {en: "Waiting", ko: "전송 대기 중"},
  "message.delayed": {en: "Waiting. {reason}", ko: "전송 대기 중. {reason}"},
  "message.stored": {en: "Sent", ko: "보냄"},
  "message.received": {en: "Delivered", ko: "전달됨"},
  "message.read": {en: "Read", ko: "읽음"},
  "message.failed": {en: "Not sent. {reason}", ko: "보내지 못했습니다. {reason}"},
  "message.retry": {en: "Try again", ko: "다시 보내기"},
  "message.discard": {en: "Discard", ko: "삭제"},

  "outbox.unkept": {en: "This browser has no room to keep your message until it is sent. Please leave this page open.", ko: "브라우저에 메시지를 보관할 공간이 없습니다. 전송될 때까지 이 페이지를 닫지 마세요."},
  "outbox.unkeptTitle": {en: "Not kept", ko: "보관되지 않음"},

  "day.today": {en: "Today", ko: "오늘"},
  "day.yesterday": {en: "Yesterday", ko: "어제"},

  "connection.connecting": {en: "Connecting…", ko: "연결 중…"},
  "connection.online": {en: "Online", ko: "온라인"},
  "connection.waiting": {en: "Offline", ko: "오프라인"},
  "connection.ended": {en: "Disconnected", ko: "연결 끊김"},
  "connection.lost": {en: "You are offline.", ko: "연결이 끊어졌습니다."},
  "connection.retryIn": {en: "Trying again in {seconds} s.", ko: "{seconds}초 후 다시 연결합니다."},
  "connection.now": {en: "Try now", ko: "지금 연결"},
  "connection.again": {en: "Connect again", ko: "다시 연결"},

  "ended.1008": {en: "The server refused this connection.", ko: "서버가 연결을 거부했습니다."},
  "ended.4500": {en: "Your sign-in is no longer valid. Please sign out and in again.", ko: "로그인이 만료되었습니다. 로그아웃한 뒤 다시 로그인해 주세요."},
  "ended.4501": {en: "This name is protected. Please sign out and choose another one.", ko: "보호된 이름입니다. 로그아웃한 뒤 다른 이름을 사용해 주세요."},
  "ended.4502": {en: "The server did not learn your name in time.", ko: "서버가 제때 이름을 확인하지 못했습니다."},
  "ended.other": {en: "The server ended the connection.", ko: "서버가 연결을 종료했습니다."},

  "notification.label": {en: "Notifications", ko: "알림"},
  "notification.info": {en: "Information", ko: "안내"},
  "notification.success": {en: "Success", ko: "완료"},
  "notification.warning": {en: "Warning", ko: "주의"},
  "notification.error": {en: "Error", ko: "오류"},
  "notification.dismiss": {en: "Dismiss", ko: "닫기"},
  "notification.link": {en: "Open", ko: "열기"},
  "notification.more": {en: "{count} more", ko: "알림 {count}개 더 있음"},

  "error.bad_json": {en: "The server could not read what this page sent.", ko: "서버가 요청 내용을 이해하지 못했습니다."},
  "error.not_text": {en: "The server takes text only.", ko: "텍스트만 보낼 수 있습니다."},
  "error.unknown_event": {en: "The server does not know what this page asked for.", ko: "서버가 알 수 없는 요청입니다."},
  "error.missing_field": {en: "Something was missing.", ko: "빠진 항목이 있습니다."},
  "error.unknown_field": {en: "The server did not expect all of it.", ko: "서버가 알 수 없는 항목이 있습니다."},
  "error.invalid_field": {en: "Something in it is not allowed.", ko: "허용되지 않는 값이 있습니다."},
  "error.forbidden": {en: "You may not do that.", ko: "권한이 없습니다."},
  "error.not_initialised": {en: "The server does not know who you are yet.", ko: "서버가 아직 이름을 확인하지 못했습니다."},
  "error.conflict": {en: "Another message was sent under the same mark.", ko: "같은 식별자로 다른 메시지가 이미 전송되었습니다."},
  "error.busy": {en: "The server is busy.", ko: "서버가 바쁩니다."},
  "error.unavailable": {en: "The server cannot store messages at the moment.", ko: "서버가 지금은 메시지를 저장할 수 없습니다."},
  "error.not_signed_in": {en: "The server does not accept your sign-in. Please sign out and in again.", ko: "서버가 로그인을 받아들이지 않았습니다. 로그아웃한 뒤 다시 로그인해 주세요."},
  "error.not_found": {en: "The server does not have what this page asked for.", ko: "서버에서 찾을 수 없는 요청입니다."},
  "error.too_large": {en: "It is too long.", ko: "내용이 너무 깁니다."},
  "error.internal": {en: "Something went wrong on the server.", ko: "서버에서 문제가 발생했습니다."},
  "error.not_connected": {en: "There was no connection.", ko: "서버에 연결되어 있지 않습니다."},
  "error.too_many_waiting": {en: "Too many messages are waiting.", ko: "대기 중인 메시지가 너무 많습니다."},
  "error.too_big": {en: "The message is too long.", ko: "메시지가 너무 깁니다."},
  "error.ended": {en: "The connection has ended.", ko: "연결이 종료되었습니다."},
  "error.timeout": {en: "The server did not answer.", ko: "서버가 응답하지 않았습니다."},
  "error.connection_lost": {en: "The connection was lost.", ko: "연결이 끊어졌습니다."},
  "error.other": {en: "Something went wrong.", ko: "문제가 발생했습니다."},
};

/** @typedef {keyof typeof texts} TextKey */
