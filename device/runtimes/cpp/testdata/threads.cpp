// The function of the conformance suite (device/runtimes/runtimetest), called by several threads.
#include <unistd.h>

#include <fescue.hpp>
#include <fstream>
#include <iostream>
#include <sstream>

namespace {

std::string read(const std::string& path) {
    std::ifstream file(path);
    std::ostringstream all;
    if (!file || !(all << file.rdbuf())) throw std::runtime_error("cannot read " + path);
    return all.str();
}

std::string handle(fescue::Client& client, const fescue::Message& event) {
    const std::string line(event.payload());
    const auto blank = std::min(line.find(' '), line.size());
    const std::string verb = line.substr(0, blank), rest = blank < line.size() ? line.substr(blank + 1) : "";
    if (verb == "echo") return rest;
    if (verb == "fail") throw std::runtime_error(rest);
    if (verb == "sleep") {
        for (unsigned long n = std::stoul(rest); n > 0 && !event.cancelled(); n--) usleep(1000);
        if (event.cancelled()) throw std::runtime_error("it was told to stop");
        return "slept";
    }
    if (verb == "print") {
        std::cout << "out " + rest + "\n" << std::flush;
        std::cerr << "err " + rest + "\n";
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
    if (verb == "topic") return std::string(event.attribute("subject"));
    if (verb == "publish") {
        client.confirm(rest, "published");
        return "";
    }
    if (verb == "log") {
        client.log(2, rest);
        return "";
    }
    throw std::invalid_argument("no verb " + verb);
}

}  // namespace

int main() { return fescue::serve(handle); }
