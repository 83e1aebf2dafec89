// Uses and makes passkeys on pages that offer it. Each such form says what to ask the browser for,
// and is shown only where the browser can.
const read = (text) =>
  Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (one) => one.charCodeAt(0));
const write = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, '-')
    .replace(/\//g, '_')
    .replace(/=+$/, '');

// Not every browser reads and writes these by itself yet (WebAuthn level 3, 5.1.8).
function optionsOf(form) {
  const options = JSON.parse(form.dataset.options);
  options.challenge = read(options.challenge);
  if (options.user) options.user.id = read(options.user.id);
  for (const list of [options.allowCredentials, options.excludeCredentials]) {
    for (const one of list ?? []) one.id = read(one.id);
  }
  return options;
}

function told(credential) {
  const { clientDataJSON, attestationObject, authenticatorData, signature, userHandle } =
    credential.response;
  const response = { clientDataJSON: write(clientDataJSON) };
  if (attestationObject) {
    response.attestationObject = write(attestationObject);
  } else {
    response.authenticatorData = write(authenticatorData);
    response.signature = write(signature);
    response.userHandle = userHandle ? write(userHandle) : null;
  }
  const { id, rawId, type } = credential;
  return JSON.stringify({ id, rawId: write(rawId), type, response, clientExtensionResults: {} });
}

// A browser asks for one thing at a time: pressing the button ends the wait for autofill.
let asking;

async function ask(form, how) {
  asking?.abort();
  asking = new AbortController();
  const asked = { publicKey: optionsOf(form), signal: asking.signal, ...how };
  const isNew = form.dataset.passkey === 'create';
  const credential = await (isNew
    ? navigator.credentials.create(asked)
    : navigator.credentials.get(asked));
  form.elements.credential.value = told(credential);
  form.submit();
}

async function offer(form) {
  form.hidden = false;
  const trouble = form.querySelector('[role=alert]');
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    trouble.hidden = true;
    try {
      await ask(form, {});
    } catch {
      trouble.hidden = false;
    }
  });
  const canFill = PublicKeyCredential.isConditionalMediationAvailable;
  if (form.dataset.passkey === 'autofill' && (await canFill?.call(PublicKeyCredential))) {
    // Nobody asked for it, so nobody is told that nothing came of it.
    ask(form, { mediation: 'conditional' }).catch(() => {});
  }
}

if (window.PublicKeyCredential) {
  for (const form of document.querySelectorAll('form[data-passkey]')) offer(form);
}
