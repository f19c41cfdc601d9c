// The conformance driver of the C++ SDK: does what the lines on its standard input say, see sdk/conformance/README.md.
#include <poll.h>
#include <unistd.h>

#include <iostream>
#include <sstream>

#include "fescue.hpp"

namespace {

using Words = std::vector<std::string>;

std::string hex(std::string_view bytes) {
    static const char digits[] = "0123456789abcdef";
    std::string text;
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        text += digits[byte >> 4];
        text += digits[byte & 15];
    }
    return text.empty() ? "-" : text;
}

std::string unhex(const std::string& word) {
    std::string bytes;
    if (word != "-")
        for (std::size_t i = 0; i + 1 < word.size(); i += 2) bytes += static_cast<char>(std::stoi(word.substr(i, 2), nullptr, 16));
    return bytes;
}

std::string name_of(const fescue::Error& e) { return e.status() == FESCUE_STOPPED ? "closed" : std::string(e.name()); }

template <class T>
std::string text(T number) {
    return std::to_string(number);
}

class Driver {
public:
    bool over() const { return over_; }
    int fd() const { return client_ && !holding_ ? client_->fd() : -1; }

    // Does what a line says and prints the answer.
    void obey(const std::string& line) {
        std::istringstream stream(line);
        Words w;
        for (std::string word; stream >> word;) w.push_back(word);
        try {
            const std::string answer = run(w);
            std::cout << "ok" << (answer.empty() ? "" : " ") << answer << std::endl;
        } catch (const fescue::Error& e) {
            std::cout << "error " << name_of(e) << " " << e.what() << std::endl;
        }
    }

    // Lets the handlers have what has come.
    void take() {
        if (!client_ || holding_ || over_) return;
        try {
            client_->next(fescue::Milliseconds(0));
        } catch (const fescue::Denied&) {
            show_ended();
        } catch (const fescue::Error&) {
        }
    }

private:
    std::string run(const Words& w) {
        const std::string& verb = w[0];
        if (verb == "connect") return connect();
        if (verb == "publish") client_->publish(w[1], unhex(w[2]));
        else if (verb == "confirm") client_->confirm(w[1], unhex(w[2]));
        else if (verb == "flood") flood(w[1], std::stoul(w[2]), std::stoul(w[3]));
        else if (verb == "request") return hex(client_->request(w[1], unhex(w[3]), fescue::Milliseconds(std::stol(w[2]))));
        else if (verb == "log") client_->log(std::stoi(w[1]), unhex(w[2]));
        else if (verb == "drain") client_->drain();
        else if (verb == "hold" || verb == "resume") holding_ = verb == "hold";
        else if (verb == "close") {
            client_.reset();
            over_ = true;
        } else return subscribe(w);
        return "";
    }

    std::string subscribe(const Words& w) {
        const std::string& verb = w[0];
        if (verb == "subscribe") {
            fescue::SubscribeOptions o;
            o.policy = w[3] == "block" ? FESCUE_BLOCK : w[3] == "drop-newest" ? FESCUE_DROP_NEWEST : FESCUE_DROP_OLDEST;
            o.queue = static_cast<std::uint16_t>(std::stoi(w[4]));
            if (w[5] != "-") o.credit = static_cast<std::uint32_t>(std::stoul(w[5]));
            made_[w[1]] = &client_->subscribe(w[2], [name = w[1]](const fescue::Message& m) {
                std::cout << "message " << name << " " << m.topic() << " " << hex(m.payload()) << std::endl;
            }, o);
        } else if (verb == "credit") client_->credit(*made_.at(w[1]), static_cast<std::uint32_t>(std::stoul(w[2])));
        else if (verb == "unsubscribe" || verb == "unwatch") {
            fescue::Subscription& s = *made_.at(w[1]);
            made_.erase(w[1]);
            client_->close(s);
        } else if (verb == "respond") {
            made_[w[1]] = &client_->respond(w[2], [](const fescue::Message& m) {
                if (m.payload() == "fail") throw std::runtime_error("as it was told to");
                return std::string(m.payload().rbegin(), m.payload().rend());
            });
        } else return keep(w);
        return "";
    }

    std::string keep(const Words& w) {
        const std::string& verb = w[0];
        if (verb == "store") client_->store(w[1], unhex(w[2]));
        else if (verb == "consume") consume(w);
        else if (verb == "done" || verb == "again" || verb == "reject") acknowledge(w);
        else if (verb == "forget") client_->forget(w[1]);
        else if (verb == "history") {
            const auto found = client_->history(w[1], std::stoull(w[2]), std::stoull(w[3]), std::stol(w[4]));
            for (const auto& p : found) std::cout << "past " << p.sequence << " " << p.time << " " << p.topic << " " << hex(p.payload) << std::endl;
            return text(found.size());
        } else return state(w);
        return "";
    }

    std::string state(const Words& w) {
        const std::string& verb = w[0];
        if (verb == "get") {
            const auto v = client_->get(w[1]);
            return text(v.revision) + " " + hex(v.bytes);
        }
        if (verb == "put") return text(client_->put(w[1], unhex(w[2]), std::chrono::seconds(std::stol(w[3]))));
        if (verb == "put-if") return text(client_->put_if(w[1], unhex(w[2]), std::stoull(w[3])));
        if (verb == "delete") client_->erase(w[1]);
        else if (verb == "delete-if") client_->erase_if(w[1], std::stoull(w[2]));
        else if (verb == "watch") watch(w[1], w[2]);
        else if (verb == "keys") {
            std::string all;
            for (const auto& key : client_->keys(w[1])) all += (all.empty() ? "" : " ") + key;
            return all;
        } else throw fescue::Error(FESCUE_UNSUPPORTED, verb);
        return "";
    }

    std::string connect() {
        fescue::Options o;
        o.on_error = [](const fescue::Error& e) { std::cout << "trouble " << name_of(e) << " " << e.what() << std::endl; };
        client_ = std::make_unique<fescue::Client>(o);
        return std::string(client_->application()) + " " + std::string(client_->device());
    }

    void flood(const std::string& topic, unsigned long number, std::size_t size) {
        std::string payload(size, 'x');
        for (unsigned long n = 0; n < number; n++) {
            for (unsigned i = 0; i < 4; i++) payload[i] = static_cast<char>(n >> 8 * i & 0xFF);
            client_->publish(topic, payload);
        }
    }

    void consume(const Words& w) {
        fescue::Place p;
        p.name = w[2];
        p.filter = w[3];
        p.start = w[4] == "oldest" ? FESCUE_FROM_OLDEST : FESCUE_FROM_NOW;
        p.window = static_cast<std::uint16_t>(std::stoi(w[5]));
        p.patience = fescue::Milliseconds(std::stol(w[6]));
        p.attempts = static_cast<std::uint16_t>(std::stoi(w[7]));
        if (w[8] != "-") p.dead_letter = w[8];
        made_[w[1]] = &client_->consume(p, [this, name = w[1]](const fescue::Message& m) {
            std::cout << "delivery " << name << " " << m.sequence() << " " << m.attempt() << " " << m.maybe_before() << " " << m.topic() << " "
                      << hex(m.payload()) << std::endl;
            open_.insert_or_assign(name + " " + text(m.sequence()), m.raw());
            m.later();
        });
    }

    void acknowledge(const Words& w) {
        const fescue::Message m(&client_->raw(), open_.at(w[1] + " " + w[2]));
        if (w[0] == "done") m.done();
        else if (w[0] == "reject") m.reject();
        else if (w[3] == "-") m.again();
        else m.again(fescue::Milliseconds(std::stol(w[3])));
    }

    void watch(const std::string& name, const std::string& filter) {
        made_[name] = &client_->watch(filter, [name](const fescue::Message& m) {
            static const char* const kinds[] = {"put", "deleted", "expired", "end"};
            std::cout << "change " << name << " " << kinds[m.change()] << " " << m.sequence() << " " << (m.topic().empty() ? "-" : m.topic()) << " "
                      << hex(m.payload()) << std::endl;
        });
    }

    void show_ended() {
        for (auto at = made_.begin(); at != made_.end();) {
            if (at->second->ended() < 0) {
                std::cout << "ended " << at->first << " " << fescue_status_name(at->second->ended()) << std::endl;
                at = made_.erase(at);
            } else ++at;
        }
    }

    std::unique_ptr<fescue::Client> client_;
    std::map<std::string, fescue::Subscription*> made_;
    std::map<std::string, fescue_message> open_;
    bool holding_ = false, over_ = false;
};

}  // namespace

int main() {
    Driver d;
    std::string waiting;
    while (!d.over()) {
        pollfd p[2] = {{STDIN_FILENO, POLLIN, 0}, {d.fd(), POLLIN, 0}};
        poll(p, 2, 20);
        if (p[0].revents != 0) {
            char chunk[65536];
            const ssize_t n = read(STDIN_FILENO, chunk, sizeof chunk);
            if (n <= 0) return 1;
            waiting.append(chunk, static_cast<std::size_t>(n));
            for (std::size_t end; !d.over() && (end = waiting.find('\n')) != std::string::npos; waiting.erase(0, end + 1)) d.obey(waiting.substr(0, end));
        }
        d.take();
    }
    return 0;
}
