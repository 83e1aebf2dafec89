// Looks at every page in a real Chromium: wide and narrow, light and dark, in both languages. Takes
// pictures into PICTURES, and says as JSON what is wrong with them.
import { chromium } from 'playwright-core';

const { CHROMIUM, BASE, AUTHORIZE, USERNAME, ENROLLING, PASSKEYS, PASSWORD, PICTURES } = process.env;

// Runs inside of the page.
function faults() {
  const found = [];
  const say = (text, element) => found.push(`${text}: ${element?.outerHTML.slice(0, 90) ?? ''}`);
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) say(`wider than the window by ${root.scrollWidth - root.clientWidth}`);
  if (!root.lang || !document.title) say('no language, or no title');
  if (document.querySelectorAll('h1').length !== 1) say('not one heading');
  if (!document.querySelector('main')) say('no main part');
  for (const input of document.querySelectorAll('input:not([type=hidden])')) {
    if (![...input.labels].some((label) => label.innerText.trim())) say('no label', input);
    if (!input.autocomplete && input.type !== 'checkbox') say('no autocomplete', input);
  }
  for (const target of document.querySelectorAll('input:not([type=hidden]), button')) {
    if (target.getBoundingClientRect().height < 44) say('hard to hit', target);
  }
  for (const link of document.querySelectorAll('[role=alert] a')) {
    if (!document.querySelector(link.getAttribute('href'))) say('leads nowhere', link);
  }
  const parts = (color) => color.match(/[\d.]+/g).map(Number);
  const light = (color) => {
    const [r, g, b] = parts(color).map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor;
      if (parts(color)[3] !== 0) return color;
    }
    return 'rgb(255, 255, 255)';
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.data.trim() || !element.checkVisibility() || element.tagName === 'SCRIPT') continue;
    const [one, other] = [light(getComputedStyle(element).color), light(ground(element))];
    const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (contrast < 4.5) say(`contrast ${contrast.toFixed(2)}`, element);
  }
  return found;
}

const browser = await chromium.launch({
  executablePath: CHROMIUM,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
});
const found = [];
let pictures = 0;

async function look(page, name) {
  for (const fault of await page.evaluate(faults)) found.push(`${name}: ${fault}`);
  // A keyboard reaches everything, and everything shows that it was reached. Past the last one the
  // browser has its turn, and then it begins anew.
  const all = await page.locator('a, button, input:not([type=hidden])').count();
  const reached = new Set();
  for (let step = 0; step < 2 * all + 2; step += 1) {
    await page.keyboard.press('Tab');
    const [place, width] = await page.evaluate(() => {
      const style = getComputedStyle(document.activeElement);
      const places = [...document.querySelectorAll('a, button, input')];
      const place = places.indexOf(document.activeElement);
      return [place, style.outlineStyle === 'none' ? 0 : parseFloat(style.outlineWidth)];
    });
    if (place >= 0) reached.add(place);
    if (place >= 0 && width < 2) found.push(`${name}: focus on ${place} is not seen`);
  }
  if (reached.size !== all) found.push(`${name}: a keyboard reaches ${reached.size} of ${all}`);
  await page.screenshot({ path: `${PICTURES}/${name}.png`, fullPage: true });
  pictures += 1;
}

const SIGN_IN = 'form:not([data-passkey]) button';
const PASSKEY = 'form[data-passkey] button';

// The life of a passkey, with an authenticator of the browser's own.
async function passkeys(context, page, at) {
  const protocol = await context.newCDPSession(page);
  await protocol.send('WebAuthn.enable', { enableUI: false });
  const options = {
    protocol: 'ctap2',
    transport: 'internal',
    hasResidentKey: true,
    hasUserVerification: true,
    isUserVerified: true,
    automaticPresenceSimulation: false,
  };
  const made = await protocol.send('WebAuthn.addVirtualAuthenticator', { options });
  const { authenticatorId } = made;
  const touch = (enabled) =>
    protocol.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId, enabled });
  const press = async () => {
    await touch(true);
    await page.locator(PASSKEY).click();
  };
  const password = async () => {
    await page.goto(`${BASE}/signin?continue=/passkeys`);
    await page.locator('#username').fill(PASSKEYS);
    await page.locator('#password').fill(PASSWORD);
    await page.locator(SIGN_IN).click();
    await page.locator(PASSKEY).waitFor();
  };
  await password();
  await look(page, at('passkeys-none'));
  await press();
  await page.getByRole('status').waitFor();
  await touch(false);
  await look(page, at('passkey-added'));
  await page.goto(`${BASE}/signout`);
  await page.locator('button').click();
  await page.locator('a').waitFor();
  await password();
  await look(page, at('second-factor-passkey'));
  await press();
  await page.locator('button[value=remove]').waitFor();
  await touch(false);
  await look(page, at('passkeys'));
  await page.locator('button[value=remove]').click();
  await page.getByRole('status').waitFor();
}

try {
  for (const [size, width, height] of [['wide', 1280, 800], ['narrow', 320, 640]]) {
    for (const colorScheme of ['light', 'dark']) {
      for (const locale of ['en', 'pt-BR']) {
        const context = await browser.newContext({
          viewport: { width, height },
          colorScheme,
          locale,
        });
        context.setDefaultTimeout(20_000);
        const page = await context.newPage();
        const at = (name) => `${name}-${size}-${colorScheme}-${locale}`;
        await page.goto(AUTHORIZE);
        await look(page, at('sign-in'));
        await page.locator('#username').fill(USERNAME);
        await page.locator('#password').fill('wrong');
        await page.locator(SIGN_IN).click();
        await page.getByRole('alert').waitFor();
        await look(page, at('wrong-password'));
        await page.goto(`${BASE}/choose-organization`);
        await page.locator('#organization').fill('nobody');
        await page.locator('button').click();
        await page.getByRole('alert').waitFor();
        await look(page, at('choose-organization'));
        await page.goto(`${BASE}/forgot-password`);
        await look(page, at('forgot-password'));
        await page.locator('#username').fill('nobody');
        await page.locator('button').click();
        await page.getByRole('status').waitFor();
        await look(page, at('link-sent'));
        await page.goto(`${BASE}/reset-password?token=nothing`);
        await look(page, at('spent-link'));
        await page.goto(`${BASE}/oauth/authorize?client_id=nobody`);
        await look(page, at('not-possible'));
        await page.goto(AUTHORIZE);
        await page.locator('#username').fill(USERNAME);
        await page.locator('#password').fill(PASSWORD);
        await page.locator(SIGN_IN).click();
        await page.locator('button[value=deny]').waitFor();
        await look(page, at('consent'));
        await page.goto(`${AUTHORIZE}&prompt=select_account`);
        await page.locator('button[value=other]').waitFor();
        await look(page, at('select-account'));
        await page.goto(`${BASE}/signin`);
        await look(page, at('signed-in'));
        await page.goto(`${BASE}/sessions`);
        await look(page, at('sessions'));
        await page.goto(`${BASE}/change-password`);
        await look(page, at('change-password'));
        await page.goto(`${BASE}/signout`);
        await look(page, at('sign-out'));
        await page.locator('button').click();
        await page.locator('a').waitFor();
        await look(page, at('signed-out'));
        await page.goto(`${BASE}/signin`);
        await page.locator('#username').fill(ENROLLING);
        await page.locator('#password').fill(PASSWORD);
        await page.locator(SIGN_IN).click();
        await page.locator('#phone').waitFor();
        await look(page, at('choose-factor'));
        await page.locator('button[value=app]').click();
        await page.locator('#code').waitFor();
        await look(page, at('second-factor'));
        await passkeys(context, page, at);
        await context.close();
      }
    }
  }
  console.log(JSON.stringify({ found, pictures }));
} finally {
  await browser.close();
}
