import "@mantine/core/styles.css";
import "@mantine/notifications/styles.css";
import "./app/console.css";
import { MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { setNonce } from "get-nonce"; // of the library by which dialogs stop the page behind them from scrolling
import { createRoot } from "react-dom/client";
import { failureOf } from "./api/failure";
import { App } from "./app/App";
import { theme, variables } from "./app/theme";
import { nonce } from "./parts/nonce";

const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000, // events say sooner what is out of date
      retry: (count, error) => failureOf(error).passing && count < 2,
      retryDelay: 500,
      networkMode: "always", // the server may be this very machine
    },
    mutations: { networkMode: "always" },
  },
});

setNonce(nonce());
createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <MantineProvider theme={theme} cssVariablesResolver={variables} defaultColorScheme="auto" getStyleNonce={nonce}>
      <Notifications position="bottom-right" />
      <QueryClientProvider client={client}>
        <App />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
