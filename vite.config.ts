// SPDX-License-Identifier: LicenseRef-NIA-Proprietary
import tailwindcss from "@tailwindcss/vite";
import { defineConfig } from "vitest/config";

// light-dark() and the scripting media query are the oldest things the product cannot do without.
const BROWSERS = ["chrome123", "firefox120", "safari17.5"];

export default defineConfig({
  base: "/static/dist/",
  publicDir: false,
  plugins: [tailwindcss()],
  build: {
    outDir: "static/dist",
    emptyOutDir: true,
    manifest: true,
    target: BROWSERS,
    cssTarget: BROWSERS,
    // The policy allows no data: fonts, so nothing may be folded into a stylesheet.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: { input: ["frontend/src/app.css", "frontend/src/app.ts"] },
  },
  test: {
    environment: "jsdom",
    include: ["frontend/tests/**/*.test.ts"],
    restoreMocks: true,
    // A machine that does other tests beside these may be slow; a test that hangs still ends.
    testTimeout: 30_000,
  },
});
