// fescue.hpp: publish, subscribe, request and serve events on a Fescue device, from C++17.
//
//     #include <fescue.hpp>
//
//     int main() {
//         fescue::Client client;
//         client.subscribe("house/+/temperature", [&](const fescue::Message& m) {
//             client.publish("house/seen", m.topic());
//         });
//         client.run();
//     }
//
// One header over the C SDK: compile fescue.c (of sdk/c) with the program, or link the installed library. A Client is RAII: it
// connects when it is made, by the environment that the agent gives, and says goodbye when it goes. Errors are exceptions: Error, with
// a status of fescue.h, or one of its kinds (Denied, NoResponder, …).
//
// As in C, a Client belongs to one thread; only stop() may be called from anywhere. Handlers run inside run(), next() and
// serve(); an exception in a handler of a request or an event is its answer, in others it ends run(). A function whose
// configuration says `workers: {concurrency: 8}` has its handler called by 8 threads, each with a client of its own.
#ifndef FESCUE_HPP
#define FESCUE_HPP

#include <poll.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <queue>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <typeinfo>
#include <utility>
#include <vector>

#include "fescue.h"

namespace fescue {

using Milliseconds = std::chrono::milliseconds;

// Any failure; what() says in words what was wrong and what to do.
class Error : public std::runtime_error {
public:
    Error(int status, const std::string& text) : std::runtime_error(text), status_(status) {}
    int status() const noexcept { return status_; }  // enum fescue_status
    std::string_view name() const noexcept { return fescue_status_name(status_); }

private:
    int status_;
};

template <int Status>
class ErrorOf : public Error {
public:
    explicit ErrorOf(const std::string& text) : Error(Status, text) {}
};

using Denied = ErrorOf<FESCUE_DENIED>;
using InvalidTopic = ErrorOf<FESCUE_INVALID_TOPIC>;
using TooLarge = ErrorOf<FESCUE_TOO_LARGE>;
using NoResponder = ErrorOf<FESCUE_NO_RESPONDER>;
using Timeout = ErrorOf<FESCUE_TIMEOUT>;
using RemoteError = ErrorOf<FESCUE_INTERNAL>;  // the responder failed
using Unauthenticated = ErrorOf<FESCUE_UNAUTHENTICATED>;
using NotFound = ErrorOf<FESCUE_NOT_FOUND>;
using Conflict = ErrorOf<FESCUE_CONFLICT>;
using NotKept = ErrorOf<FESCUE_NOT_KEPT>;
using ConnectionLost = ErrorOf<FESCUE_LOST>;
using Closed = ErrorOf<FESCUE_STOPPED>;
using Gone = ErrorOf<FESCUE_GONE>;

namespace detail {

class Solo;
class Pool;

[[noreturn]] inline void raise(int status, const std::string& text) {
    switch (status) {
    case FESCUE_DENIED: throw Denied(text);
    case FESCUE_INVALID_TOPIC: throw InvalidTopic(text);
    case FESCUE_TOO_LARGE: throw TooLarge(text);
    case FESCUE_NO_RESPONDER: throw NoResponder(text);
    case FESCUE_TIMEOUT: throw Timeout(text);
    case FESCUE_INTERNAL: throw RemoteError(text);
    case FESCUE_UNAUTHENTICATED: throw Unauthenticated(text);
    case FESCUE_NOT_FOUND: throw NotFound(text);
    case FESCUE_CONFLICT: throw Conflict(text);
    case FESCUE_NOT_KEPT: throw NotKept(text);
    case FESCUE_LOST: throw ConnectionLost(text);
    case FESCUE_STOPPED: throw Closed(text);
    case FESCUE_GONE: throw Gone(text);
    default: throw Error(status, text);
    }
}

inline std::string_view view(fescue_view v) { return {v.data, v.size}; }

}  // namespace detail

// What arrived. Its views are good until the handler returns, or until the next next().
class Message {
public:
    Message(fescue_client* client, const fescue_message& raw, const std::atomic<bool>* cancelled = nullptr)
        : client_(client), raw_(raw), cancelled_(cancelled) {}

    std::string_view topic() const { return detail::view(raw_.topic); }  // or the key
    std::string_view payload() const { return detail::view(raw_.payload); }
    int type() const { return raw_.type; }  // FESCUE_MESSAGE, FESCUE_CALL, FESCUE_INVOKE, FESCUE_DELIVERY, FESCUE_CHANGE
    // An attribute of an event by its CloudEvents name; "" if it has none.
    std::string_view attribute(const std::string& name) const { return detail::view(fescue_attribute(&raw_, name.c_str())); }
    // Whether nobody waits for this event's result any longer.
    bool cancelled() const { return cancelled_ != nullptr ? cancelled_->load() : fescue_cancelled(client_, &raw_) != 0; }

    // Sends a piece of the event's answer while it is made, and waits while the caller reads more slowly. What the handler returns is
    // the last piece. Throws Gone when nobody waits any longer. Not with `workers.concurrency` above 1.
    void part(std::string_view data) const {
        check_parts();
        check(fescue_part(client_, &raw_, data.data(), data.size()));
    }
    // Before the first piece: {"statusCode": 200, "headers": {…}}, for an answer over HTTP.
    void head(const std::string& json) const {
        check_parts();
        check(fescue_head(client_, &raw_, json.c_str()));
    }

    std::uint64_t sequence() const { return raw_.sequence; }  // of a kept message; revision of a key
    std::uint64_t time() const { return raw_.time; }          // when it was stored, ms since 1970
    int attempt() const { return raw_.attempt; }
    bool maybe_before() const { return raw_.maybe_before != 0; }
    fescue_change change() const { return static_cast<fescue_change>(raw_.change); }

    // Of a delivery. One that its handler does not answer is done when the handler returns, and is delivered again if it
    // threw an exception.
    void done() const { acknowledge(FESCUE_DONE, 0); }
    void again() const { acknowledge(FESCUE_AGAIN, FESCUE_OWN_DELAY); }
    void again(Milliseconds delay) const { acknowledge(FESCUE_AGAIN, static_cast<std::uint32_t>(delay.count())); }
    void reject() const { acknowledge(FESCUE_REJECTED, 0); }
    // It will be answered after its handler, through a Message made of a copy of raw().
    void later() const { client_->answered = 1; }
    void still_at_it() const { acknowledge(FESCUE_STILL_AT_IT, 0); }

    const fescue_message& raw() const { return raw_; }

private:
    void check_parts() const {
        if (cancelled_ != nullptr) detail::raise(FESCUE_UNSUPPORTED, "with workers.concurrency above 1 answers are sent as a whole; raise workers.max instead");
    }
    void check(int status) const {
        if (status < 0) detail::raise(status, client_->error);
    }
    void acknowledge(fescue_verdict verdict, std::uint32_t delay) const {
        const int status = fescue_ack(client_, &raw_, verdict, delay);
        if (status < 0 && status != FESCUE_LOST) detail::raise(status, client_->error);
    }

    fescue_client* client_;
    fescue_message raw_;
    const std::atomic<bool>* cancelled_;  // of an event that is handled in a thread of its own
};

struct Options {
    std::string address;                 // "": FESCUE_EXCHANGE
    std::string token;                   // "": FESCUE_TOKEN
    std::string name = "fescue-c++";     // for people who look at the broker's sessions
    std::size_t max_message = 1 << 20;   // bytes of a message that is taken at most, topic included
    Milliseconds timeout{10000};         // for the broker's answers, and for a lost link to come back
    bool hold = false;                   // send many small frames together, see fescue_options
    std::function<void(const Error&)> on_error{};  // told what no call waits for; without it, stderr is
};

struct SubscribeOptions {
    fescue_policy policy = FESCUE_DROP_OLDEST;
    std::uint16_t queue = 0;              // messages that may wait in the broker; 0: 1,024
    bool not_own = false;                 // not what this client publishes itself
    std::optional<std::uint32_t> credit{};  // messages come only as this, and Client::credit(), allow
};

struct Place {
    std::string name;
    std::string filter;
    fescue_start start = FESCUE_FROM_NOW;
    std::uint64_t from = 0;      // for FESCUE_FROM_TIME, ms since 1970
    std::uint16_t window = 0;    // deliveries that may be unanswered; 0: 64
    Milliseconds patience{0};    // until a message that was not answered is delivered again; 0: 30 s
    std::uint16_t attempts = 0;  // deliveries of a message at most; 0: without end
    std::string dead_letter{};   // topic for what had its attempts or was rejected
};

struct Value {
    std::string bytes;
    std::uint64_t revision;
};

struct Past {
    std::string topic, payload;
    std::uint64_t sequence, time;
};

using Handler = std::function<void(const Message&)>;
using Responder = std::function<std::string(const Message&)>;

class Client;

namespace detail {

// Calls a responder, and gives what sends its answer, or its failure.
inline std::function<void(fescue_client*, const fescue_message*)> outcome(const Message& m, const Responder& responder) {
    std::string kind, text;
    try {
        return [reply = responder(m)](fescue_client* c, const fescue_message* raw) { fescue_reply(c, raw, reply.data(), reply.size()); };
    } catch (const Gone& e) {
        kind = "Cancelled";
        text = e.what();
    } catch (const Error& e) {
        kind = e.name();
        text = e.what();
    } catch (const std::exception& e) {
        kind = typeid(e).name();
        text = e.what();
    } catch (...) {
        kind = "unknown";
        text = "the handler threw what is no std::exception";
    }
    return [kind, text](fescue_client* c, const fescue_message* raw) { fescue_fail(c, raw, kind.c_str(), text.c_str()); };
}

}  // namespace detail

// A subscription, a place that is consumed from, a watch; it lives as long as its client, or until close().
class Subscription {
public:
    std::string_view filter() const { return filter_; }
    // The status that ended it, such as FESCUE_DENIED when the permission was taken away; else 0.
    int ended() const { return raw_.ended; }

private:
    friend class Client;
    std::string filter_, place_, dead_letter_;
    Handler handler_;
    Responder responder_;
    fescue_subscription raw_{};
};

class Client {
public:
    explicit Client(Options options = {}) : Client(std::move(options), nullptr) {}
    ~Client() {
        if (open_) fescue_close(&raw_, 1000);
    }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    std::string_view application() const { return raw_.application; }
    std::string_view device() const { return raw_.device; }

    // Publishes: the first time on a topic it waits for the broker's permission, later ones are sent and forgotten.
    void publish(const std::string& topic, std::string_view payload) {
        check(fescue_publish(&raw_, registered(topic), payload.data(), payload.size()));
    }
    // Publishes, and waits until the broker has taken the message.
    void confirm(const std::string& topic, std::string_view payload) {
        check(fescue_publish_to(&raw_, topic.c_str(), payload.data(), payload.size()));
    }
    // Publishes on a kept topic, and waits until the message is on disk.
    void store(const std::string& topic, std::string_view payload) {
        check(fescue_store(&raw_, topic.c_str(), payload.data(), payload.size()));
    }

    // Without a handler, take the messages with next().
    Subscription& subscribe(const std::string& filter, Handler handler = nullptr, const SubscribeOptions& o = {}) {
        Subscription& s = added(filter, std::move(handler));
        s.raw_.policy = static_cast<std::uint8_t>(o.policy);
        s.raw_.queue = o.queue;
        s.raw_.flags = static_cast<std::uint8_t>((o.not_own ? FESCUE_NOT_OWN : 0) | (o.credit ? FESCUE_BY_CREDIT : 0));
        s.raw_.credit = o.credit.value_or(0);
        return made(s, fescue_subscribe(&raw_, &s.raw_, s.filter_.c_str(), nullptr, &s));
    }
    void credit(Subscription& s, std::uint32_t number) { check(fescue_credit(&raw_, &s.raw_, number)); }

    // Answers requests with what the function returns; an exception is answered as an error.
    Subscription& respond(const std::string& filter, Responder responder) {
        Subscription& s = added(filter, nullptr);
        s.responder_ = std::move(responder);
        s.raw_.flags = FESCUE_ANSWERS;
        return made(s, fescue_subscribe(&raw_, &s.raw_, s.filter_.c_str(), nullptr, &s));
    }

    Subscription& consume(const Place& p, Handler handler = nullptr) {
        Subscription& s = added(p.filter, std::move(handler));
        s.place_ = p.name;
        s.dead_letter_ = p.dead_letter;
        s.raw_.start = static_cast<std::uint8_t>(p.start);
        s.raw_.from = p.from;
        s.raw_.window = p.window;
        s.raw_.patience_ms = static_cast<std::uint32_t>(p.patience.count());
        s.raw_.attempts = p.attempts;
        s.raw_.dead_letter = s.dead_letter_.empty() ? nullptr : s.dead_letter_.c_str();
        return made(s, fescue_consume(&raw_, &s.raw_, s.place_.c_str(), s.filter_.c_str(), nullptr, &s));
    }
    void forget(const std::string& place) { check(fescue_forget(&raw_, place.c_str())); }

    // Tells of changes to keys: the present ones first, then FESCUE_END_OF_PRESENT.
    Subscription& watch(const std::string& filter, Handler handler = nullptr) {
        Subscription& s = added(filter, std::move(handler));
        s.raw_.flags = FESCUE_WITH_PRESENT;
        return made(s, fescue_watch(&raw_, &s.raw_, s.filter_.c_str(), nullptr, &s));
    }

    // Ends what the functions above made; the reference is no longer good. Not for a handler's own subscription.
    void close(Subscription& s) {
        const int status = fescue_unsubscribe(&raw_, &s.raw_);
        subscriptions_.remove_if([&](const auto& held) { return held.get() == &s; });
        check(status);
    }

    // The next message of any subscription without a handler; those with one are given to it meanwhile. Nothing after the time-out;
    // a negative one is for ever. Throws Denied when a permission was taken away, Closed after stop().
    std::optional<Message> next(Milliseconds timeout = Milliseconds(-1)) {
        const auto end = std::chrono::steady_clock::now() + timeout;
        for (;;) {
            fescue_message m;
            const auto left = std::chrono::ceil<Milliseconds>(end - std::chrono::steady_clock::now());
            const int status = fescue_next(&raw_, &m, timeout.count() < 0 ? -1 : static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
            check(status);
            if (status == 0) return std::nullopt;
            Message message(&raw_, m);
            if (!dispatch(message)) return message;
        }
    }

    // Gives messages to their handlers until stop(), SIGTERM or SIGINT; then the client is closed.
    void run() {
        const int status = fescue_run(&raw_);
        if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
        check(status);
        open_ = false;
    }
    void stop() noexcept { fescue_stop(&raw_); }

    // Waits for the answer. Throws NoResponder, Timeout, RemoteError, Denied.
    std::string request(const std::string& topic, std::string_view payload, Milliseconds timeout = Milliseconds(10000)) {
        reply_.resize(options_.max_message);
        const long n = fescue_request(&raw_, topic.c_str(), payload.data(), payload.size(), reply_.data(), reply_.size(), static_cast<int>(timeout.count()));
        check(n);
        return {reply_.data(), static_cast<std::size_t>(n)};
    }

    // Calls another function of this device, as request(): what it returned is the answer. The configuration
    // grants it, `resources: {invoke: [function]}`. Throws RemoteError if the function failed.
    std::string invoke(const std::string& function, std::string_view payload, Milliseconds timeout = Milliseconds(10000)) {
        return request("$fescue/invoke/" + function, payload, timeout);
    }

    std::vector<Past> history(const std::string& filter, std::uint64_t from = 0, std::uint64_t until = 0, long limit = 0) {
        std::vector<Past> found;
        check(fescue_history(&raw_, filter.c_str(), from, until, limit, &add_past, &found));
        return found;
    }

    Value get(const std::string& key) {
        std::uint64_t revision = 0;
        reply_.resize(options_.max_message);
        const long n = fescue_get(&raw_, key.c_str(), reply_.data(), reply_.size(), &revision);
        check(n);
        return {{reply_.data(), static_cast<std::size_t>(n)}, revision};
    }
    std::uint64_t put(const std::string& key, std::string_view value, std::chrono::seconds ttl = {}) {
        std::uint64_t revision = 0;
        check(fescue_put(&raw_, key.c_str(), value.data(), value.size(), static_cast<std::uint32_t>(ttl.count()), &revision));
        return revision;
    }
    // Only while the key has this revision (0: only while there is none), else Conflict.
    std::uint64_t put_if(const std::string& key, std::string_view value, std::uint64_t expected, std::chrono::seconds ttl = {}) {
        std::uint64_t revision = 0;
        check(fescue_put_if(&raw_, key.c_str(), value.data(), value.size(), static_cast<std::uint32_t>(ttl.count()), expected, &revision));
        return revision;
    }
    void erase(const std::string& key) { check(fescue_delete(&raw_, key.c_str())); }
    void erase_if(const std::string& key, std::uint64_t expected) { check(fescue_delete_if(&raw_, key.c_str(), expected)); }
    std::vector<std::string> keys(const std::string& filter) {
        std::vector<std::string> found;
        check(fescue_keys(&raw_, filter.c_str(), &add_key, &found));
        return found;
    }

    // level: 0 debug, 1 info, 2 warning, 3 error.
    void log(int level, const std::string& text) { check(fescue_log(&raw_, level, text.c_str())); }
    void flush() { check(fescue_flush(&raw_)); }
    void drain() { check(fescue_drain(&raw_)); }
    int fd() const { return fescue_fd(&raw_); }  // to poll, see fescue_fd()
    fescue_client& raw() { return raw_; }

private:
    friend class detail::Solo;
    friend class detail::Pool;

    Client(Options options, std::nullptr_t) : options_(std::move(options)), in_(FESCUE_BUFFER(options_.max_message)), out_(FESCUE_BUFFER(1 << 16)) {
        fescue_options o{};
        o.address = options_.address.empty() ? nullptr : options_.address.c_str();
        o.token = options_.token.empty() ? nullptr : options_.token.c_str();
        o.name = options_.name.c_str();
        o.timeout_ms = static_cast<int>(options_.timeout.count());
        o.hold = options_.hold;
        if (options_.on_error) o.on_error = &tell;
        o.user = this;
        check(fescue_connect(&raw_, in_.data(), in_.size(), out_.data(), out_.size(), &o));
        open_ = true;
    }
    struct Worker {};
    Client(Options options, Worker) : options_(std::move(options)), in_(FESCUE_BUFFER(options_.max_message)), out_(FESCUE_BUFFER(1 << 16)) {}

    void check(long status) const {
        if (status < 0) detail::raise(static_cast<int>(status), raw_.error);
    }

    fescue_topic* registered(const std::string& name) {
        auto [at, fresh] = topics_.try_emplace(name);
        if (fresh) at->second = std::make_unique<fescue_topic>();
        if (!at->second->granted) check(fescue_register(&raw_, at->second.get(), at->first.c_str()));
        return at->second.get();
    }

    Subscription& added(const std::string& filter, Handler handler) {
        auto& s = *subscriptions_.emplace_back(std::make_unique<Subscription>());
        s.filter_ = filter;
        s.handler_ = std::move(handler);
        return s;
    }
    Subscription& made(Subscription& s, int status) {
        s.raw_.handler = &on_message;  // what fescue_run() calls
        if (status < 0) subscriptions_.pop_back();
        check(status);
        return s;
    }

    // Gives a message to its handler, if it has one.
    bool dispatch(const Message& m) {
        const auto* s = m.raw().subscription == nullptr ? nullptr : static_cast<Subscription*>(m.raw().subscription->user);
        if (s != nullptr && s->responder_) {
            answer(m, s->responder_);
            return true;
        }
        if (s == nullptr || !s->handler_) return false;
        try {
            s->handler_(m);
        } catch (...) {
            if (m.type() == FESCUE_DELIVERY) m.again();
            throw;
        }
        if (m.type() == FESCUE_DELIVERY && !raw_.answered) m.done();
        return true;
    }

    void answer(const Message& m, const Responder& responder) { detail::outcome(m, responder)(&raw_, &m.raw()); }

    // Exceptions must not pass through C: run() throws them when it has come back.
    static void on_message(fescue_client* c, const fescue_message* raw, void* user) {
        auto* self = static_cast<Client*>(c->options.user);
        (void)user;
        try {
            self->dispatch(Message(c, *raw));
        } catch (...) {
            self->failure_ = std::current_exception();
            fescue_stop(c);
        }
    }
    static void tell(void* user, int status, const char* text) { static_cast<Client*>(user)->options_.on_error(Error(status, text)); }
    static void add_past(fescue_client*, const fescue_message* m, void* user) {
        static_cast<std::vector<Past>*>(user)->push_back({std::string(detail::view(m->topic)), std::string(detail::view(m->payload)), m->sequence, m->time});
    }
    static void add_key(fescue_client*, const fescue_message* m, void* user) {
        static_cast<std::vector<std::string>*>(user)->emplace_back(detail::view(m->topic));
    }

    Options options_;
    std::vector<char> in_, out_, reply_;
    fescue_client raw_{};
    bool open_ = false;
    std::map<std::string, std::unique_ptr<fescue_topic>> topics_;
    std::list<std::unique_ptr<Subscription>> subscriptions_;
    std::exception_ptr failure_;
};

namespace detail {

using Function = std::function<std::string(Client&, const Message&)>;

// Serves one event after the other, in the main thread.
class Solo {
public:
    Solo(Function handler, Options options) : client_(std::move(options), Client::Worker{}), handler_(std::move(handler)) {}
    int run() {
        Client& c = client_;
        return fescue_serve(&c.raw_, c.in_.data(), c.in_.size(), c.out_.data(), c.out_.size(), &Solo::call, this);
    }

private:
    static void call(fescue_client* c, const fescue_message* m, void* user) {
        auto* self = static_cast<Solo*>(user);
        c->options.user = &self->client_;
        if (self->client_.options_.on_error) c->options.on_error = &Client::tell;
        self->client_.answer(Message(c, *m), [self](const Message& event) { return self->handler_(self->client_, event); });
    }

    Client client_;
    Function handler_;
};

// Serves several events at once: the main thread reads the worker's link, as many threads as asked for call the handler, each with
// a client that it connects itself.
class Pool {
public:
    Pool(Function handler, Options options, int threads) : options_(options), link_(std::move(options), Client::Worker{}), handler_(std::move(handler)), size_(threads) {}

    int run() {
        fescue_options o{};
        o.timeout_ms = static_cast<int>(options_.timeout.count());
        int status = fescue_adopt(raw(), link_.in_.data(), link_.in_.size(), link_.out_.data(), link_.out_.size(), &o);
        if (status == FESCUE_OK) status = start();
        if (status == FESCUE_OK) status = fescue_ready(raw());
        while (status >= 0) status = read();
        if (status == FESCUE_STOPPED) return finish();
        std::fprintf(stderr, "fescue: %s\n", link_.raw_.error);
        std::fflush(nullptr);
        std::_Exit(1);  // nobody is there any more; handlers may be at it for long
    }

private:
    // An event, with bytes of its own.
    struct Job {
        fescue_message raw;
        std::string topic, payload, attributes;
        std::atomic<bool> cancelled{false};
    };

    fescue_client* raw() { return &link_.raw_; }

    int start() {
        try {
            for (int n = 0; n < size_; n++) clients_.push_back(std::make_unique<Client>(options_));
            for (auto& client : clients_) threads_.emplace_back([this, &client] { work(*client); });
        } catch (const std::exception& e) {
            std::fprintf(stderr, "fescue: starting threads: %s\n", e.what());
            std::_Exit(1);
        }
        return FESCUE_OK;
    }

    // Waits, and takes what has come.
    int read() {
        pollfd p{fescue_fd(raw()), POLLIN, 0};
        poll(&p, 1, -1);
        const std::lock_guard<std::mutex> held(mutex_);
        fescue_message m;
        int status;
        while ((status = fescue_next(raw(), &m, 0)) == 1) take(m);
        return status;
    }

    void take(const fescue_message& m) {
        if (m.type == FESCUE_CANCEL) {
            const auto at = jobs_.find(m.id);
            if (at != jobs_.end()) at->second->cancelled = true;
            return;
        }
        auto job = std::make_shared<Job>();
        job->raw = m;
        job->topic = view(m.topic);
        job->payload = view(m.payload);
        job->attributes = view(m.attributes);
        job->raw.topic = {job->topic.data(), job->topic.size()};
        job->raw.payload = {job->payload.data(), job->payload.size()};
        job->raw.attributes = {job->attributes.data(), job->attributes.size()};
        jobs_[m.id] = job;
        waiting_.push(job);
        came_.notify_one();
    }

    void work(Client& client) {
        std::unique_lock<std::mutex> held(mutex_);
        for (;;) {
            came_.wait(held, [this] { return leaving_ || !waiting_.empty(); });
            if (waiting_.empty()) return;
            const auto job = waiting_.front();
            waiting_.pop();
            held.unlock();
            const auto answer = outcome(Message(&client.raw_, job->raw, &job->cancelled), [&](const Message& event) { return handler_(client, event); });
            held.lock();
            jobs_.erase(job->raw.id);
            answer(raw(), &job->raw);
            if (fescue_fd(raw()) < 0) std::_Exit(1);  // the link is lost, and was closed: poll() would not tell
        }
    }

    // Lets the events under way end.
    int finish() {
        {
            const std::lock_guard<std::mutex> held(mutex_);
            leaving_ = true;
        }
        came_.notify_all();
        for (auto& thread : threads_) thread.join();
        fescue_close(raw(), 0);
        return 0;
    }

    Options options_;
    Client link_;
    Function handler_;
    int size_;
    std::vector<std::unique_ptr<Client>> clients_;
    std::vector<std::thread> threads_;
    std::mutex mutex_;  // of the link and all below
    std::condition_variable came_;
    std::queue<std::shared_ptr<Job>> waiting_;
    std::map<std::uint32_t, std::shared_ptr<Job>> jobs_;
    bool leaving_ = false;
};

}  // namespace detail

// The main function of a function's program, which `handler:` in fescue.yaml names: calls the handler for each event, until
// the agent says that the worker is to exit. What the handler returns is the event's result, an exception its failure. With
// `workers.concurrency` above 1 so many threads call it. Returns the status for main().
inline int serve(std::function<std::string(Client&, const Message&)> handler, Options options = {}) {
    const char* concurrency = std::getenv("FESCUE_CONCURRENCY");
    const int threads = concurrency == nullptr ? 1 : std::atoi(concurrency);
    if (threads > 1) return detail::Pool(std::move(handler), std::move(options), threads).run();
    return detail::Solo(std::move(handler), std::move(options)).run();
}

inline int serve(std::function<std::string(const Message&)> handler, Options options = {}) {
    return serve([handler = std::move(handler)](Client&, const Message& m) { return handler(m); }, std::move(options));
}

}  // namespace fescue

#endif
