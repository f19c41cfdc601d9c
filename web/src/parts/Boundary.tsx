// Boundary catches what a page did not: the frame stays, and the page says what failed.
import { Component, type ReactNode } from "react";
import { failureOf } from "../api/failure";
import { Trouble } from "./Trouble";

export class Boundary extends Component<{ children: ReactNode }, { error: unknown; at: string }> {
  state = { error: undefined as unknown, at: "" };

  static getDerivedStateFromError(error: unknown) {
    return { error, at: location.pathname };
  }

  render() {
    if (this.state.error === undefined || this.state.at !== location.pathname) return this.props.children;
    const error = failureOf(this.state.error);
    // A part of the console that cannot be loaded: the server was replaced by a newer one.
    const stale = /import|module|chunk/i.test(error.message);
    return (
      <Trouble
        error={this.state.error}
        title={stale ? "This page could not be loaded" : "This page failed"}
        onRetry={() => (stale ? location.reload() : this.setState({ error: undefined }))}
      />
    );
  }
}
