// Black and white of a grey image: PGM in, PBM out (netpbm's pgm(5) and pbm(5), binary). Where black ends is
// what parts the image best (Otsu 1979), or what the request says: POST /threshold?level=128.
#include <fescue.h>

#include <array>
#include <cctype>
#include <charconv>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr std::size_t largest = 1 << 20;
char in[FESCUE_BUFFER(largest)], out[FESCUE_BUFFER(largest)];

struct Image {
    unsigned width, height, white;
    std::string_view pixels;
};

// The numbers of a header, with comments from # to the end of the line.
unsigned number(std::string_view &text) {
    while (!text.empty() && (std::isspace(static_cast<unsigned char>(text[0])) || text[0] == '#')) {
        auto skip = text[0] == '#' ? text.find('\n') : 0;
        text.remove_prefix(skip == text.npos ? text.size() : skip + 1);
    }
    unsigned value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || value == 0 || value > 65535) throw std::runtime_error("the header of the image is no PGM's");
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return value;
}

Image read(std::string_view text) {
    if (text.substr(0, 2) != "P5") throw std::runtime_error("the image is no binary PGM (P5)");
    text.remove_prefix(2);
    Image image{};
    image.width = number(text);
    image.height = number(text);
    image.white = number(text);
    if (image.white > 255) throw std::runtime_error("the image has more than 8 bits a pixel");
    if (text.empty() || text.size() - 1 < std::size_t{image.width} * image.height) throw std::runtime_error("the image ends too early");
    image.pixels = text.substr(1, std::size_t{image.width} * image.height);
    return image;
}

// Otsu's method: the level with the largest variance between the two classes.
unsigned otsu(std::string_view pixels) {
    std::array<double, 256> count{};
    double sum = 0;
    for (unsigned char p : pixels) {
        count[p]++;
        sum += p;
    }
    double below = 0, sum_below = 0, best = -1;
    unsigned level = 0;
    const double all = static_cast<double>(pixels.size());
    for (unsigned t = 0; t < 256; t++) {
        below += count[t];
        sum_below += t * count[t];
        if (below == 0 || below == all) continue;
        const double apart = sum_below / below - (sum - sum_below) / (all - below);
        const double variance = below * (all - below) * apart * apart;
        if (variance > best) {
            best = variance;
            level = t + 1;
        }
    }
    return level;
}

std::string black_and_white(const Image &image, unsigned level) {
    std::string result = "P4\n# level " + std::to_string(level) + "\n" + std::to_string(image.width) + " " + std::to_string(image.height) + "\n";
    for (unsigned y = 0; y < image.height; y++) {
        for (unsigned x = 0; x < image.width; x += 8) {
            unsigned bits = 0;
            for (unsigned i = 0; i < 8; i++) {
                const bool black = x + i < image.width && static_cast<unsigned char>(image.pixels[std::size_t{y} * image.width + x + i]) < level;
                bits = bits << 1 | (black ? 1u : 0u);
            }
            result.push_back(static_cast<char>(bits));
        }
    }
    return result;
}

unsigned level_of(std::string_view query, const Image &image) {
    constexpr std::string_view key = "level=";
    if (query.substr(0, key.size()) != key) return otsu(image.pixels);
    query.remove_prefix(key.size());
    return number(query);
}

void handle(fescue_client *client, const fescue_message *event, void *) {
    try {
        const auto query = fescue_attribute(event, "httpquery");
        const Image image = read({event->payload.data, event->payload.size});
        const std::string result = black_and_white(image, level_of({query.data, query.size}, image));
        fescue_reply(client, event, result.data(), result.size());
    } catch (const std::exception &e) {
        const std::string answer = std::string(R"({"statusCode": 400, "body": ")") + e.what() + "\"}\n";
        fescue_reply(client, event, answer.data(), answer.size());
    }
}

} // namespace

int main() {
    static fescue_client client;
    return fescue_serve(&client, in, sizeof in, out, sizeof out, handle, nullptr);
}
