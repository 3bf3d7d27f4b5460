// Runs the official Node client, unchanged, against a sandbox that listens already; one line per group of calls.
//
// Usage, from a folder with @hubspot/api-client installed:
//   node check_clients.mjs ADDRESS TOKEN PORTAL_ID
// Ends with 1 when a call failed or an answer was not what the sandbox must give. scripts/check_clients.sh calls it.

import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import path from 'node:path'

const require = createRequire(path.join(process.cwd(), 'index.js'))
const { Client } = require('@hubspot/api-client')
const [address, token, portalId] = process.argv.slice(2)
const hubspot = new Client({ accessToken: token, basePath: address, numberOfApiCallRetries: 0 })
const { contacts, companies, deals, objects, lists, owners, properties, pipelines, associations } = hubspot.crm
const PROPERTY = { groupName: 'node', type: 'number', fieldType: 'number', label: 'Made by the Node client' }
const TYPED = [{ associationCategory: 'HUBSPOT_DEFINED', associationTypeId: 279 }]

/** Say whether a call is refused with a status. */
async function refused(call, status) {
  await assert.rejects(call, (error) => error.code === status)
}

async function control(method, route, body) {
  const answer = await fetch(`${address}/_sandbox/${route}?portal=${portalId}`, {
    method, body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' },
  })
  assert.ok(answer.ok, `${route}: ${answer.status}`)
}

const groups = {
  async 'contacts: page, create, read, update, archive'() {
    const page = await contacts.basicApi.getPage(10, undefined, ['email'], undefined, ['companies'])
    assert.equal(page.results.length, 10)
    assert.ok(page.paging.next.after)
    const made = await contacts.basicApi.create({ properties: { email: 'lia@node.example', firstname: 'Lia' } })
    assert.ok(made.createdAt instanceof Date)
    const read = await contacts.basicApi.getById('lia@node.example', ['firstname'], ['firstname'], undefined, false, 'email')
    assert.deepEqual([read.id, read.properties.firstname], [made.id, 'Lia'])
    assert.equal(read.propertiesWithHistory.firstname[0].value, 'Lia')
    const changed = await contacts.basicApi.update(made.id, { properties: { firstname: 'Lea' } })
    assert.equal(changed.properties.firstname, 'Lea')
    await refused(contacts.basicApi.create({ properties: { email: 'lia@node.example' } }), 409)
    await contacts.basicApi.archive(made.id)
    await refused(contacts.basicApi.getById(made.id), 404)
    assert.equal((await contacts.getAll()).length, 30)
  },

  async 'contacts: batches and their 207'() {
    const inputs = [0, 1, 2].map((number) => ({ properties: { email: `n${number}@node.example` }, associations: [] }))
    const ids = (await contacts.batchApi.create({ inputs })).results.map((row) => row.id)
    const read = await contacts.batchApi.read({
      inputs: [...ids, '987654321'].map((id) => ({ id })), properties: ['email'], propertiesWithHistory: [],
    })
    assert.deepEqual([read.results.length, read.numErrors], [3, 1])
    const changes = ids.map((id) => ({ id, properties: { firstname: 'Kim' } }))
    assert.equal((await contacts.batchApi.update({ inputs: changes })).results[0].properties.firstname, 'Kim')
    const upserts = ['n0@node.example', 'n9@node.example'].map((email) => ({
      id: email, idProperty: 'email', properties: { email, lastname: 'Ode' },
    }))
    const upserted = await contacts.batchApi.upsert({ inputs: upserts })
    assert.deepEqual(upserted.results.map((row) => row._new).sort(), [false, true])
    const gone = [...new Set([...ids, ...upserted.results.map((row) => row.id)])]
    await contacts.batchApi.archive({ inputs: gone.map((id) => ({ id })) })
  },

  async 'contacts: search, merge, erase'() {
    const found = await contacts.searchApi.doSearch({
      filterGroups: [{ filters: [{ propertyName: 'email', operator: 'HAS_PROPERTY' }] }],
      sorts: ['lastmodifieddate'], properties: ['email'], limit: 5, after: '0',
    })
    assert.equal(found.results.length, 5)
    const [one, two] = found.results.map((row) => row.id)
    const survivor = await contacts.basicApi.merge({ primaryObjectId: one, objectIdToMerge: two })
    assert.equal(survivor.id, one)
    await contacts.basicApi.purge({ objectId: one })
    await refused(contacts.basicApi.getById(one), 404)
  },

  async 'companies, deals, tasks, calls, emails, meetings, notes'() {
    const hs_timestamp = '2026-03-03T09:00:00Z'
    const kite = await companies.basicApi.create({ properties: { name: 'Kind Kites', domain: 'kites.example' } })
    assert.equal((await companies.basicApi.getById(kite.id, ['name'])).properties.name, 'Kind Kites')
    const sale = { dealname: 'Kites', pipeline: 'default', dealstage: 'qualifiedtobuy' }
    const deal = await deals.basicApi.create({ properties: sale })
    assert.equal((await deals.basicApi.update(deal.id, { properties: { dealstage: 'closedwon' } })).id, deal.id)
    const activities = {
      tasks: { hs_task_subject: 'Call' }, calls: { hs_call_title: 'First call' },
      emails: { hs_email_direction: 'EMAIL' }, meetings: { hs_meeting_title: 'Demo' }, notes: { hs_note_body: 'Kind' },
    }
    for (const [kind, values] of Object.entries(activities)) {
      const made = await objects[kind].basicApi.create({ properties: { hs_timestamp, ...values } })
      assert.equal((await objects[kind].basicApi.getById(made.id)).id, made.id)
      const found = await objects[kind].searchApi.doSearch({
        filterGroups: [{ filters: [{ propertyName: 'hs_object_id', operator: 'EQ', value: made.id }] }],
        sorts: [], properties: [], limit: 1, after: '0',
      })
      assert.equal(found.total, 1)
      await objects[kind].basicApi.archive(made.id)
    }
  },

  async 'associations v4: one by one and in batches'() {
    const [contact] = (await contacts.basicApi.getPage(1)).results
    const [company] = (await companies.basicApi.getPage(1)).results
    const { basicApi, batchApi } = associations.v4
    await basicApi.createDefault('contacts', contact.id, 'companies', company.id)
    await basicApi.create('contacts', contact.id, 'companies', company.id, TYPED)
    const rows = await basicApi.getPage('contacts', contact.id, 'companies', undefined, 500)
    assert.ok(rows.results.some((row) => String(row.toObjectId) === company.id))
    const read = await batchApi.getPage('contacts', 'companies', { inputs: [{ id: contact.id }, { id: '987' }] })
    assert.deepEqual([read.results.length, read.numErrors], [1, 1])
    await basicApi.archive('contacts', contact.id, 'companies', company.id)
    const pair = { _from: { id: contact.id }, to: { id: company.id } }
    await batchApi.createDefault('contacts', 'companies', { inputs: [pair] })
    await batchApi.create('contacts', 'companies', { inputs: [{ ...pair, types: TYPED }] })
    await batchApi.archiveLabels('contacts', 'companies', { inputs: [{ ...pair, types: TYPED }] })
    await batchApi.archive('contacts', 'companies', { inputs: [{ _from: { id: contact.id }, to: [{ id: company.id }] }] })
  },

  async 'owners, archived ones too'() {
    const page = await owners.ownersApi.getPage(undefined, undefined, 3)
    assert.equal(page.results.length, 3)
    const [owner] = page.results
    assert.equal((await owners.ownersApi.getById(owner.userId, 'userId')).id, owner.id)
    const gone = await owners.ownersApi.getPage(undefined, undefined, 100, true)
    assert.ok(gone.results.every((each) => each.userId === undefined && each.userIdIncludingInactive))
  },

  async 'properties and groups'() {
    const { coreApi, groupsApi, batchApi } = properties
    assert.ok((await coreApi.getAll('contacts')).results.length > 200)
    assert.equal((await coreApi.getByName('contacts', 'lifecyclestage')).options[0].value, 'subscriber')
    await groupsApi.create('contacts', { name: 'node', label: 'Node', displayOrder: -1 })
    await coreApi.create('contacts', { ...PROPERTY, name: 'node_score' })
    await refused(coreApi.create('contacts', { ...PROPERTY, name: 'node_score' }), 409)
    assert.equal((await coreApi.update('contacts', 'node_score', { label: 'Score' })).label, 'Score')
    await batchApi.create('contacts', { inputs: [{ ...PROPERTY, name: 'node_a' }] })
    const read = await batchApi.read('contacts', { archived: false, inputs: [{ name: 'node_a' }, { name: 'node_none' }] })
    assert.deepEqual([read.results.length, read.numErrors], [1, 1])
    await batchApi.archive('contacts', { inputs: [{ name: 'node_a' }] })
    await coreApi.archive('contacts', 'node_score')
    await groupsApi.update('contacts', 'node', { label: 'The Node client' })
    assert.equal((await groupsApi.getByName('contacts', 'node')).label, 'The Node client')
    await groupsApi.archive('contacts', 'node')
    assert.ok(!(await groupsApi.getAll('contacts')).results.some((group) => group.name === 'node'))
  },

  async 'pipelines and stages'() {
    const { pipelinesApi, pipelineStagesApi } = pipelines
    const stages = [{ label: 'Won', displayOrder: 0, metadata: { probability: '1.0' } }]
    const made = await pipelinesApi.create('deals', { label: 'Partners', displayOrder: 1, stages })
    await pipelinesApi.update('deals', made.id, { label: 'Partner sales' })
    const open = { label: 'Open', displayOrder: 0, metadata: { probability: '0.3' } }
    const stage = await pipelineStagesApi.create('deals', made.id, open)
    await pipelineStagesApi.update('deals', made.id, stage.id, { label: 'Opened', metadata: {} })
    const labels = (await pipelineStagesApi.getAll('deals', made.id)).results.map((each) => each.label)
    assert.deepEqual(labels, ['Opened', 'Won'])
    assert.equal((await pipelineStagesApi.getById('deals', made.id, stage.id)).metadata.probability, '0.3')
    await pipelineStagesApi.archive('deals', made.id, stage.id)
    await pipelinesApi.archive('deals', made.id)
    assert.equal((await pipelinesApi.getAll('deals')).results[0].id, 'default')
  },

  async 'lists and memberships'() {
    const { listsApi, membershipsApi, mappingApi } = lists
    const wanted = { name: 'Held by Node', objectTypeId: '0-1', processingType: 'MANUAL' }
    const { listId } = (await listsApi.create(wanted)).list
    assert.equal((await listsApi.getById(listId)).list.name, 'Held by Node')
    assert.equal((await listsApi.getByName('Held by Node', '0-1')).list.listId, listId)
    assert.equal((await listsApi.getAll([listId])).lists.length, 1)
    assert.equal((await listsApi.doSearch({ query: 'by node', offset: 0, count: 10 })).total, 1)
    const [one, two] = (await contacts.basicApi.getPage(2)).results.map((row) => row.id)
    const added = await membershipsApi.add(listId, [one, '987654321'])
    assert.deepEqual([added.recordsIdsAdded, added.recordIdsMissing], [[one], ['987654321']])
    const changed = await membershipsApi.addAndRemove(listId, { recordIdsToAdd: [two], recordIdsToRemove: [one] })
    assert.deepEqual([changed.recordsIdsAdded, changed.recordIdsRemoved], [[two], [one]])
    const members = await membershipsApi.getPage(listId, undefined, undefined, 250)
    assert.deepEqual(members.results.map((row) => row.recordId), [two])
    assert.equal((await membershipsApi.getPageOrderedByAddedToListDate(listId)).total, 1)
    assert.equal((await membershipsApi.getLists('0-1', two)).results[0].listId, listId)
    await membershipsApi.remove(listId, [two])
    await membershipsApi.removeAll(listId)
    await listsApi.updateName(listId, 'Kept by Node')
    assert.equal((await mappingApi.translateLegacyListIdToListId(String(Number(listId) + 5000))).listId, listId)
    await listsApi.remove(listId)
    await refused(listsApi.getById(listId), 404)
    await listsApi.restore(listId)
  },

  async 'event occurrences and types'() {
    const [contact] = (await contacts.basicApi.getPage(1)).results
    const url = 'https://www.node.example/pricing'
    await control('POST', 'acts', [{ kind: 'page_view', contact: contact.id, url }])
    const api = hubspot.events.eventsApi
    const page = await api.getPage(
      'contact', 'e_visited_page', undefined, undefined, 100, undefined, undefined, undefined, Number(contact.id),
    )
    assert.ok(page.results.some((row) => row.properties.hs_url === url && row.occurredAt instanceof Date))
    assert.ok((await api.getTypes()).eventTypes.includes('e_visited_page'))
  },

  async 'forms'() {
    const page = await hubspot.marketing.forms.formsApi.getPage(undefined, 2)
    assert.equal(page.results.length, 2)
    assert.equal((await hubspot.marketing.forms.formsApi.getById(page.results[0].id)).name, page.results[0].name)
  },

  async 'subscription statuses'() {
    await contacts.basicApi.create({ properties: { email: 'opt@node.example' } })
    const { subscriptionDefinitions } = await hubspot.communicationPreferences.definitionApi.getPage()
    const api = hubspot.communicationPreferences.statusApi
    const wish = { emailAddress: 'opt@node.example', subscriptionId: subscriptionDefinitions[0].id }
    assert.equal((await api.subscribe(wish)).status, 'SUBSCRIBED')
    await api.unsubscribe(wish)
    const { subscriptionStatuses } = await api.getEmailStatus('opt@node.example')
    assert.equal(subscriptionStatuses[0].status, 'NOT_SUBSCRIBED')
  },

  async 'submissions, mail events and account by raw calls'() {
    const form = (await hubspot.marketing.forms.formsApi.getPage(undefined, 1)).results[0]
    await control('POST', 'acts', [
      { kind: 'form_submission', form: form.id, email: 'raw@node.example', values: { firstname: 'Lia' } },
      { kind: 'email_event', type: 'OPEN', email: 'raw@node.example', campaign_id: 7 },
    ])
    const raw = async (route) => (await hubspot.apiRequest({ path: route })).json()
    const { results } = await raw(`/form-integrations/v1/submissions/forms/${form.id}`)
    assert.ok(results[0].values.some((value) => value.value === 'raw@node.example'))
    assert.equal((await raw('/email/public/v1/events')).events[0].recipient, 'raw@node.example')
    assert.equal((await raw('/account-info/v3/details')).portalId, Number(portalId))
  },

  async 'oauth tokens'() {
    const made = await hubspot.oauth.tokensApi.create(
      'refresh_token', undefined, undefined, `sandbox-client-${portalId}`, `sandbox-secret-${portalId}`,
      `sandbox-refresh-${portalId}`,
    )
    assert.equal(made.expiresIn, 1800)
    assert.equal((await hubspot.oauth.accessTokensApi.get(made.accessToken)).hubId, Number(portalId))
    assert.equal((await hubspot.oauth.refreshTokensApi.get(made.refreshToken)).hubId, Number(portalId))
    const other = new Client({ accessToken: made.accessToken, basePath: address })
    assert.equal((await other.crm.contacts.basicApi.getPage(1)).results.length, 1)
    await hubspot.oauth.refreshTokensApi.archive(made.refreshToken)
  },
}

let failed = 0
for (const [name, run] of Object.entries(groups)) {
  try {
    await run()
    console.log(`ok      ${name}`)
  } catch (error) {
    failed += 1
    console.log(`FAILED  ${name}: ${String(error.message).split('\n').slice(0, 6).join(' | ').slice(0, 600)}`)
  }
}
console.log(`${Object.keys(groups).length - failed} of ${Object.keys(groups).length} groups passed`)
process.exitCode = failed ? 1 : 0
