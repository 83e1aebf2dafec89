// Signs somebody in with two factors to an application that asks for consent, with a real Chromium,
// and out again where she is asked whether she wants to. Says what it saw as one line of JSON.
//
// SCRIPTS=off proves that the pages need none. FRAMED is a page that no other site may show.
import { chromium } from 'playwright-core';

const { CHROMIUM, START, SIGN_OUT, FRAMED, USERNAME, PASSWORD, CODE, SCRIPTS = 'on' } = process.env;
const browser = await chromium.launch({
  executablePath: CHROMIUM,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
});
try {
  const context = await browser.newContext({ javaScriptEnabled: SCRIPTS === 'on', locale: 'en' });
  context.setDefaultTimeout(30_000);
  const page = await context.newPage();
  const refused = [];
  const policy = (message) => /Content.Security.Policy/i.test(message.text());
  page.on('console', (message) => {
    if (policy(message)) refused.push(message.text());
  });
  const origin = new URL(START).origin;
  await page.goto(START);
  await page.getByLabel('Username or e-mail address').fill(USERNAME);
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  const code = page.getByRole('textbox', { name: 'Code' });
  await code.fill(CODE);
  await code.press('Enter');
  const asked = await page.getByRole('heading', { level: 1 }).innerText();
  const list = await page.getByRole('listitem').allInnerTexts();
  await page.getByRole('button', { name: 'Allow', exact: true }).click();
  await page.waitForURL((url) => url.origin === origin);
  const shown = await page.innerText('body');
  // Asked once is asked.
  await page.goto(START);
  await page.waitForURL((url) => url.origin === origin);
  const again = await page.innerText('body');

  // A page of another site, which frames ours.
  const stage = await context.newPage();
  const frames = new URLSearchParams([['frame', FRAMED], ['frame', `${origin}/framed`]]);
  // Until everything is there, also what is refused.
  await stage.goto(`${origin}/stage?${frames}`, { waitUntil: 'load' });
  const count = async (text) => {
    const inside = stage.frames().filter((one) => one !== stage.mainFrame());
    const counts = await Promise.all(inside.map((one) => one.getByText(text).count()));
    return counts.reduce((sum, one) => sum + one, 0);
  };
  const framed = { ours: await count('Signed in as'), theirs: await count('at /framed') };
  await stage.close();
  // Which is there when nobody frames it.
  await page.goto(FRAMED);
  const bare = await page.getByText('Signed in as').count();

  await page.goto(SIGN_OUT);
  const question = await page.getByRole('heading', { level: 1 }).innerText();
  await page.getByRole('button', { name: 'Sign out', exact: true }).click();
  await page.waitForURL((url) => url.origin === origin);
  const after = await page.innerText('body');
  await page.goto(START);
  await page.getByLabel('Password').waitFor();
  console.log(
    JSON.stringify({ asked, list, shown, again, framed, bare, question, after, refused }),
  );
} finally {
  await browser.close();
}
