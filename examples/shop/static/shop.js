// The buttons of the shop's pages that open the chat with somebody.
for (const button of document.querySelectorAll("[data-chat-with]")) {
  button.addEventListener("click", () => document.querySelector("chat-widget").open(button.dataset.chatWith));
}
