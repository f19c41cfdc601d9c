// The function of the conformance suite (device/runtimes/runtimetest).
#include <fescue.h>

#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <fstream>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>

namespace {

char in[FESCUE_BUFFER(1 << 20)], out[FESCUE_BUFFER(1 << 20)];

std::string text(fescue_view v) { return {v.data, v.size}; }

void must(fescue_client *c, int status) {
    if (status < 0) throw std::runtime_error(std::string(fescue_status_name(status)) + ": " + c->error);
}

std::string read(const std::string &path) {
    std::ifstream file(path);
    std::ostringstream all;
    if (!file || !(all << file.rdbuf())) throw std::runtime_error("cannot read " + path);
    return all.str();
}

std::string answer(fescue_client *c, const fescue_message *m, const std::string &verb, const std::string &rest) {
    if (verb == "echo") return rest;
    if (verb == "fail") throw std::runtime_error(rest);
    if (verb == "sleep") {
        usleep(static_cast<useconds_t>(std::stoul(rest) * 1000));
        return "slept";
    }
    if (verb == "print") {
        std::cout << "out " << rest << std::endl;
        std::cerr << "err " << rest << std::endl;
        return "";
    }
    if (verb == "exit") _exit(std::stoi(rest));
    if (verb == "read") return read(rest);
    if (verb == "write") {
        std::ofstream file(rest);
        if (!(file << "x" << std::flush)) throw std::runtime_error("cannot write " + rest);
        return "";
    }
    if (verb == "variable") return std::getenv(rest.c_str());
    if (verb == "topic") return text(fescue_attribute(m, "subject"));
    if (verb == "publish") {
        must(c, fescue_publish_to(c, rest.c_str(), "published", 9));
        return "";
    }
    if (verb == "log") {
        must(c, fescue_log(c, 2, rest.c_str()));
        return "";
    }
    throw std::invalid_argument("no verb " + verb);
}

void handle(fescue_client *c, const fescue_message *m, void *) {
    const std::string event = text(m->payload);
    const auto blank = event.find(' ');
    try {
        const auto result = answer(c, m, event.substr(0, blank), blank == std::string::npos ? "" : event.substr(blank + 1));
        fescue_reply(c, m, result.data(), result.size());
    } catch (const std::exception &e) {
        fescue_fail(c, m, "exception", e.what());
    }
}

}  // namespace

int main() {
    static fescue_client client;
    return fescue_serve(&client, in, sizeof in, out, sizeof out, handle, nullptr);
}
