// The roots of polynomials on Fescue: a function when the agent calls it for each event, else a service.
#include <cstdlib>
#include <iostream>

#include <fescue.hpp>

#include "request.hpp"

int main() {
    if (std::getenv("FESCUE_WORKER_FD") != nullptr)
        return fescue::serve([](const fescue::Message& event) { return answer(event.payload()); });
    try {
        fescue::Client client;
        fescue::SubscribeOptions all;
        all.policy = FESCUE_BLOCK;  // holds a client back rather than losing a request
        client.subscribe("poly/request", [&](const fescue::Message& m) { client.publish("poly/roots", answer(m.payload())); }, all);
        std::cout << "computing roots on " << client.device() << std::endl;
        client.run();
    } catch (const fescue::Error& e) {
        std::cerr << e.what() << std::endl;
        return 1;
    }
}
