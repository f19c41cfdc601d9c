// Colours and sizes. Everything that a reader must read has a contrast of 4.5 or
// more in both themes; the tests ask axe.
import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from "@mantine/core";

const grass: MantineColorsTuple = [
  "#eef7f1",
  "#dcebe2",
  "#b6d6c4",
  "#8cc0a3",
  "#6aad87",
  "#539f74",
  "#459769",
  "#35835a",
  "#2b6a4d",
  "#1f5a3f",
];

export const theme = createTheme({
  colors: { grass },
  primaryColor: "grass",
  primaryShade: { light: 8, dark: 8 },
  defaultRadius: "md",
  fontFamily: "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif",
  fontFamilyMonospace: "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace",
  headings: {
    fontWeight: "650",
    sizes: { h1: { fontSize: "1.5rem" }, h2: { fontSize: "1.05rem" }, h3: { fontSize: "0.95rem" } },
  },
  cursorType: "pointer",
  respectReducedMotion: true,
  components: {
    // A dialog's head is not the page's banner, and its cross needs a name.
    Modal: {
      defaultProps: {
        closeButtonProps: { "aria-label": "Close" },
        attributes: { header: { role: "presentation" } },
        transitionProps: { duration: 0 },
      },
    },
  },
});

export const variables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    "--mantine-color-dimmed": "#566069",
    "--mantine-color-placeholder": "#697179",
    "--mantine-color-anchor": "#1f6a48",
    "--fescue-surface": "#f7f8f7",
    "--fescue-line": "#e1e5e2",
    "--fescue-good": "#1f7a4d",
    "--fescue-bad": "#c02a2a",
    "--fescue-busy": "#175f9f",
    "--fescue-warn": "#9a6200",
    "--fescue-idle": "#697179",
  },
  dark: {
    "--mantine-color-body": "#16191a",
    "--mantine-color-dimmed": "#a3adb1",
    "--mantine-color-placeholder": "#8d989d",
    "--mantine-color-anchor": "#7cc79e",
    "--fescue-surface": "#1d2122",
    "--fescue-line": "#323839",
    "--fescue-good": "#5cc48b",
    "--fescue-bad": "#ff8787",
    "--fescue-busy": "#6cb6f5",
    "--fescue-warn": "#e5b04c",
    "--fescue-idle": "#98a2a6",
  },
});
