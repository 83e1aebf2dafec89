// Signs somebody in to an application with a real Chromium, and out again. Says what the
// application shows as one line of JSON.
//
// SHOW is where the application shows it, when that is not where she lands. SCRIPTS=off proves that the pages need none.
import { chromium } from 'playwright-core';

const { CHROMIUM, START, SHOW, SIGN_OUT, USERNAME, PASSWORD, SCRIPTS = 'on' } = process.env;
const browser = await chromium.launch({
  executablePath: CHROMIUM,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
});
try {
  const context = await browser.newContext({ javaScriptEnabled: SCRIPTS === 'on', locale: 'en' });
  context.setDefaultTimeout(20_000);
  const page = await context.newPage();
  const refused = [];
  page.on('console', (message) => {
    if (/Content.Security.Policy/i.test(message.text())) refused.push(message.text());
  });
  await page.goto(START);
  // By what a person reads, and not by how the page is made.
  await page.getByLabel('Username or e-mail address').fill(USERNAME);
  await page.getByLabel('Password').fill('not the password');
  await page.getByRole('button', { name: 'Sign in' }).click();
  const wrong = await page.getByRole('alert').innerText();
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
  const origin = new URL(START).origin;
  // Of what runs on her own device a person is asked each time.
  const allow = async () => {
    if (process.env.CONSENT) await page.getByRole('button', { name: 'Allow', exact: true }).click();
  };
  await allow();
  if (SCRIPTS === 'off' && process.env.FORM_POST) {
    await page.getByRole('button', { name: 'Continue' }).click();
  }
  await page.waitForURL((url) => url.origin === origin);
  if (SHOW) await page.goto(SHOW);
  const shown = await page.innerText('body');
  // Signed in once is signed in: nobody is asked for a password a second time.
  await page.goto(START);
  await allow();
  if (SCRIPTS === 'off' && process.env.FORM_POST) {
    await page.getByRole('button', { name: 'Continue' }).click();
  }
  await page.waitForURL((url) => url.origin === origin);
  const again = await page.innerText('body');
  let after = '';
  if (SIGN_OUT) {
    await page.goto(SIGN_OUT);
    await page.waitForURL((url) => url.origin === origin);
    after = await page.innerText('body');
    await page.goto(START);
    await page.getByLabel('Password').waitFor();
  }
  console.log(JSON.stringify({ wrong, shown, again, after, refused }));
} finally {
  await browser.close();
}
