#include <fescue.h>

#include <algorithm>
#include <cctype>
#include <string>

static char in[FESCUE_BUFFER(65536)], out[FESCUE_BUFFER(65536)];

// Answers in capital letters.
static void handle(fescue_client *client, const fescue_message *event, void *) {
    std::string text(event->payload.data, event->payload.size);
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::toupper(c); });
    fescue_reply(client, event, text.data(), text.size());
}

int main() {
    static fescue_client client;
    return fescue_serve(&client, in, sizeof in, out, sizeof out, handle, nullptr);
}
