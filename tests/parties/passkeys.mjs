// Makes and uses passkeys with a real Chromium and an authenticator of its own (WebAuthn level 3,
// §11). Says what it saw as one line of JSON.
import { chromium } from 'playwright-core';

const { CHROMIUM, BASE, FOREIGN, USERNAME, PASSWORD } = process.env;
const browser = await chromium.launch({
  executablePath: CHROMIUM,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
});
const seen = { refused: [] };
try {
  const context = await browser.newContext({ locale: 'en' });
  context.setDefaultTimeout(20_000);
  const page = await context.newPage();
  page.on('console', (message) => {
    if (/Content.Security.Policy/i.test(message.text())) seen.refused.push(message.text());
  });
  const protocol = await context.newCDPSession(page);
  await protocol.send('WebAuthn.enable', { enableUI: false });
  const { authenticatorId } = await protocol.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: false,
    },
  });
  const touch = (enabled) =>
    protocol.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId, enabled });
  const verify = (isUserVerified) =>
    protocol.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified });
  const password = async () => {
    await page.getByLabel('Username or e-mail address').fill(USERNAME);
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  };
  const signOut = async () => {
    await page.goto(`${BASE}/signout`);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByText('You are signed out').waitFor();
  };
  const press = async (name) => {
    const button = page.getByRole('button', { name });
    await button.waitFor();
    await touch(true);
    await button.click();
  };
  const signedIn = () => page.getByText('Signed in as').first().waitFor();

  // One is made where people look after their account.
  await page.goto(`${BASE}/signin`);
  await password();
  await signedIn();
  await page.getByRole('link', { name: 'Passkeys' }).click();
  await page.getByLabel('Name').fill('Laptop');
  await press('Add a passkey');
  await page.getByText('Your passkey is added.').waitFor();
  await touch(false);
  seen.codes = await page.locator('.codes li').count();
  seen.name = await page.getByLabel('Name').first().inputValue();
  const { credentials } = await protocol.send('WebAuthn.getCredentials', { authenticatorId });
  seen.made = credentials.map(({ rpId, isResidentCredential }) => ({ rpId, isResidentCredential }));

  // The same device makes no second one.
  await press('Add a passkey');
  seen.again = await page.getByText('Nothing came of it').innerText();
  await touch(false);

  // It signs in alone.
  await signOut();
  await page.goto(`${BASE}/signin`);
  await press('Sign in with a passkey');
  await signedIn();
  seen.alone = new URL(page.url()).pathname;
  await touch(false);

  // It is the second factor after a password.
  await signOut();
  await page.goto(`${BASE}/signin`);
  await password();
  await press('Use a passkey');
  await signedIn();
  await touch(false);

  // Browsers offer it in the field of the name.
  await signOut();
  await touch(true);
  await page.goto(`${BASE}/signin`);
  await signedIn();
  seen.autofill = true;
  await touch(false);

  // A device that does not verify its user, and a page under another name, come to nothing.
  await signOut();
  await verify(false);
  await page.goto(`${BASE}/signin`);
  await press('Sign in with a passkey');
  seen.unverified = await page.getByText('Nothing came of it').innerText();
  await verify(true);
  await touch(false);
  await page.goto(`${FOREIGN}/signin`);
  await press('Sign in with a passkey');
  seen.foreign = await page.getByText('Nothing came of it').innerText();
  await touch(false);

  // One that was removed is known to the device, and to nobody else.
  await page.goto(`${BASE}/signin`);
  await press('Sign in with a passkey');
  await signedIn();
  await touch(false);
  await page.goto(`${BASE}/passkeys`);
  await page.getByLabel('Name').first().fill('Old laptop');
  await page.getByRole('button', { name: 'Save the name' }).click();
  await page.getByText('The name is saved.').waitFor();
  seen.renamed = await page.getByLabel('Name').first().inputValue();
  await page.getByRole('button', { name: 'Remove' }).click();
  await page.getByText('The passkey is removed.').waitFor();
  await signOut();
  await page.goto(`${BASE}/signin`);
  await press('Sign in with a passkey');
  seen.removed = await page.getByRole('alert').first().innerText();
  await touch(false);

  // Without scripts nothing is offered that could not be done.
  const plain = await browser.newContext({ javaScriptEnabled: false, locale: 'en' });
  const other = await plain.newPage();
  await other.goto(`${BASE}/signin`);
  seen.plain = await other.getByRole('button').allInnerTexts();
  console.log(JSON.stringify(seen));
} finally {
  await browser.close();
}
