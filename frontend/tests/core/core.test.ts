// SPDX-License-Identifier: LicenseRef-NIA-Proprietary
import { describe, expect, it } from "vitest";
import { formatBytes, formatCost, formatCount, formatDuration } from "../../src/core/measures";
import { creationFrom, fromBase64Url, requestFrom, toBase64Url } from "../../src/core/webauthn";

describe("figures", () => {
  it.each([
    [null, "–"],
    [0.04, "40 ms"],
    [6.84, "6.8 s"],
    [59.96, "1 m 00 s"],
    [185, "3 m 05 s"],
    [7260, "2 h 01 m"],
  ])("%s seconds read %s", (seconds, text) => expect(formatDuration(seconds)).toBe(text));

  it("are a dash when unknown, never a zero", () => {
    expect([formatCost(null), formatCount(null)]).toEqual(["–", "–"]);
    expect([formatCost(0.00003465), formatCost(0.00005)]).toEqual(["<$0.0001", "$0.0001"]);
    expect([formatCost(0), formatCount(0), formatCost(0.02264), formatCount(4288)]).toEqual(["$0.0000", "0", "$0.0226", "4,288"]);
  });

  it("name the unit of bytes", () => {
    expect([formatBytes(999), formatBytes(34_000), formatBytes(5_000_000_000)]).toEqual(["999 B", "34.0 kB", "5.0 GB"]);
  });
});

describe("passkey requests", () => {
  it("survive the way to bytes and back", () => {
    expect(toBase64Url(fromBase64Url("-_8AAQ"))).toBe("-_8AAQ");
  });

  it("carry the allowed credentials as bytes", () => {
    const request = requestFrom({
      publicKey: { challenge: "AAEC", allowCredentials: [{ id: "-_8", type: "public-key" }] },
    });

    expect([...(request.challenge as Uint8Array)]).toEqual([0, 1, 2]);
    expect([...(request.allowCredentials?.[0]?.id as Uint8Array)]).toEqual([251, 255]);
  });

  it("ask for a resident key only when it shall sign in without a password", () => {
    const json = {
      publicKey: {
        challenge: "AA",
        rp: { name: "CodexOS" },
        user: { id: "AA", name: "ada", displayName: "Ada" },
        pubKeyCredParams: [],
      },
    };

    expect(creationFrom(json, true).authenticatorSelection).toMatchObject({ residentKey: "required", userVerification: "required" });
    expect(creationFrom(json, false).authenticatorSelection).toEqual({ residentKey: "discouraged", requireResidentKey: false });
    expect(creationFrom(json, null)).not.toHaveProperty("authenticatorSelection");
  });
});
